using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Http;

/// <summary>What holds for every request: who the client is, which pages may call, how errors look.</summary>
internal static class HttpRules
{
    public static IServiceCollection AddHttpRules(this IServiceCollection services)
    {
        services.AddKnobs<OriginOptions>();
        services.AddOptions<ForwardedHeadersOptions>().Configure<IConfiguration>(ClientAddress.Trust);
        services.AddSingleton<AddressWindows>();
        services.TryAddSingleton(provider => SharedLimits.Of(provider.GetRequiredService<RateLimiter>(), provider.GetRequiredService<AddressWindows>()));
        services.AddSingleton(provider => new RequestLimits(provider.GetRequiredService<LimitCheck>()));
        services.AddSingleton<ReadLimit>();
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull);
        services.AddApiDocument();
        services.AddSingleton<OriginPolicy>();
        services.AddSingleton<Faults>();
        return services;
    }

    public static WebApplication UseHttpRules(this WebApplication app)
    {
        // Read now, so that a wrong list of proxies stops the start and not the first request.
        _ = app.Services.GetRequiredService<IOptions<ForwardedHeadersOptions>>().Value;
        var origins = app.Services.GetRequiredService<OriginPolicy>();
        var faults = app.Services.GetRequiredService<Faults>();
        var reads = app.Services.GetRequiredService<ReadLimit>();
        if (!origins.KnowsAny)
        {
            app.Logger.NoOrigins();
        }

        app.Use(next => http =>
        {
            ResponseHeaders.Set(http);
            return origins.InvokeAsync(http, next);
        });
        app.Use(next => http => faults.InvokeAsync(http, next));
        app.UseForwardedHeaders();
        app.Use(next => async http => await (await ApiDocument.IsHiddenAsync(http) ? ApiError.NotFound().ExecuteAsync(http) : next(http)));
        // Routing stands below the net, so that what it refuses (405, 415) is dressed as well.
        app.UseRouting();
        app.Use(next => http => reads.InvokeAsync(http, next));
        return app;
    }
}
