using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.KnobChanges;

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
        ops.MapPost("/admission/{mode}", SwitchAsync).As("ops.switchAdmission", "Switch admission: enforce, shadow or off; with ?forSeconds= for a time", 400);
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

    private static async Task<Results<Ok<AdmissionSwitched>, ApiError>> SwitchAsync(
        HttpContext http, string mode, string? forSeconds, KnobOverrideStore store, CancellationToken cancellationToken)
    {
        if (!AdmissionModes.TryGetValue(mode, out var settings))
        {
            return ApiError.InvalidRequest("mode must be enforce, shadow or off");
        }

        if (!GivenTerm.Read(forSeconds).TryGet(out var term, out var refusal))
        {
            return refusal;
        }

        var change = await store.SetAllAsync(settings, term.Term, By(http), cancellationToken);
        return change.Refused is { } refused
            ? ApiError.InvalidRequest($"{refused.Name}: {refused.Reason}")
            : TypedResults.Ok(
                new AdmissionSwitched(mode, [.. change.Changes.Select(each => new KnobChanged(each.Name, each.Before, each.Now))])
                {
                    Until = change.Until?.UtcDateTime,
                });
    }

    private static ProducesResponseTypeMetadata Refusal(int status) => new(status, typeof(string), ["text/plain"]);

    private static readonly Dictionary<string, (string Name, string Value)[]> AdmissionModes = new(StringComparer.Ordinal)
    {
        ["enforce"] = [("ADMISSION_REDIS_SHADOW_MODE", "false"), ("ADMISSION_REDIS_ENABLED", "true"), ("FF_ADMISSION_ENFORCE", "true")],
        ["shadow"] = [("ADMISSION_REDIS_SHADOW_MODE", "true"), ("FF_ADMISSION_ENFORCE", "false"), ("ADMISSION_REDIS_ENABLED", "true")],
        ["off"] = [("ADMISSION_REDIS_ENABLED", "false"), ("FF_ADMISSION_ENFORCE", "false"), ("ADMISSION_REDIS_SHADOW_MODE", "true")],
    };

    /// <summary>The caller and its reason, for the audit entry of a change.</summary>
    internal static AuditedBy By(HttpContext http)
    {
        OpsReason.TryRead(http, out var reason);
        return new($"{http.Features.Get<OpsCaller>()!.Name} at {ClientAddress.KeyOf(http)}", reason);
    }
}
