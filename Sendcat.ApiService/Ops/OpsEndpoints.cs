using Sendcat.ApiService.Http;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Ops;

/// <summary>
/// <c>/api/ops</c>: operators read and change the running system, viewers read it. The store that makes a change writes its audit entry.
/// </summary>
internal static class OpsEndpoints
{
    /// <returns>The group, for the operations of features that use this one.</returns>
    /// <exception cref="InvalidOperationException">A key is too short outside Development, or both keys are the same.</exception>
    public static RouteGroupBuilder MapOps(this WebApplication app)
    {
        // Resolved now, so that an invalid key stops the start instead of failing the first request.
        _ = app.Services.GetRequiredService<OpsKeys>();
        var guard = app.Services.GetRequiredService<OpsGuard>();
        var ops = FunctionErrors.Group(app).MapGroup("/api/ops").WithTags("Operations")
            .AddEndpointFilter(async (context, next) => await guard.RefusalAsync(context.HttpContext) is { } refusal ? refusal : await next(context))
            .WithMetadata(Refusal(401), Refusal(403), Refusal(429));
        ((IEndpointConventionBuilder)ops).Finally(OpsReason.Mark);
        ops.MapKnobs();
        ops.MapAdmission();
        ops.MapOwnKey();
        SnapshotOps.Map(ops);
        ops.MapGuards();
        ops.MapReplicas();
        ops.MapRoutes();
        ops.MapTimeline();
        ops.MapEvents();
        ops.MapCallers();
        ConditionOps.Map(ops);
        ops.MapAlerts();
        ops.MapToolJobs();
        ops.MapDeadLetters();
        ops.MapBulkChanges();
        ops.MapToolCache();
        ops.MapTaxonomy();
        ops.MapSchedule();
        ops.MapSlo();
        ops.MapReplayKeys();
        ops.MapPackageFeed();
        ops.MapKeys();
        ops.MapAudit();
        return ops;
    }

    private static ProducesResponseTypeMetadata Refusal(int status) => new(status, typeof(string), ["text/plain"]);

    /// <summary>The caller and its reason, for the audit entry of a change.</summary>
    internal static AuditedBy By(HttpContext http)
    {
        OpsReason.TryRead(http, out var reason);
        return new($"{http.Features.Get<OpsCaller>()!.Name} at {ClientAddress.KeyOf(http)}", reason);
    }
}
