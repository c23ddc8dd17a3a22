using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Sendcat.ServiceDefaults.Health;

internal static class HealthEndpoints
{
    private const string Ready = "/health";
    private const string Live = "/alive";
    private const string LiveTag = "live";

    public static void AddHealth(this IServiceCollection services)
    {
        services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), [LiveTag]);
        services.TryAddSingleton<Readiness>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<HealthCheckServiceOptions>, ReadinessPolicy>());
    }

    public static void MapHealth(this WebApplication app)
    {
        app.MapHealthChecks(Live, new HealthCheckOptions { Predicate = check => check.Tags.Contains(LiveTag) }).AllowAnonymous();
        app.MapMethods(Ready, [HttpMethods.Get, HttpMethods.Head], RespondAsync).AllowAnonymous().ExcludeFromDescription();
    }

    /// <summary>True for <c>/alive</c> and for every path that ends in <c>/health</c>. Machines request these continuously.</summary>
    public static bool IsProbe(PathString path) => path == Live || path.Value?.EndsWith(Ready, StringComparison.Ordinal) == true;

    /// <summary>
    /// Responds with 200 while the process can take work, else with 503. <c>Degraded</c> also means 200: the unavailable dependency is not
    /// required. The body has names and states only; errors go to the log.
    /// </summary>
    private static async Task<IResult> RespondAsync(Readiness readiness, HttpContext context)
    {
        var report = await readiness.ReportAsync().WaitAsync(context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        return Results.Json(
            new HealthAnswer(
                report.Status.ToString(), report.Entries.ToDictionary(check => check.Key, check => check.Value.Status.ToString())),
            statusCode: report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK);
    }

    private sealed record HealthAnswer(string Status, IReadOnlyDictionary<string, string> Checks);
}
