using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops</c>: what operators see and change while the system runs, and what viewers see. Every change is audited by the store that makes it.</summary>
internal static class OpsEndpoints
{
    /// <exception cref="InvalidOperationException">A key cannot be accepted.</exception>
    public static void MapOps(this WebApplication app)
    {
        // Now, so that a bad key stops the start and not the first operator.
        _ = app.Services.GetRequiredService<OpsKeys>();
        var guard = app.Services.GetRequiredService<OpsGuard>();
        var ops = FunctionErrors.Group(app).MapGroup("/api/ops").WithTags("Operations")
            .AddEndpointFilter(async (context, next) => await guard.RefusalAsync(context.HttpContext) is { } refusal ? refusal : await next(context))
            .WithMetadata(Refusal(401), Refusal(403), Refusal(429));
        ops.MapGet("/knobs", Knobs).As("ops.knobs", "Every setting: value, default, range, and who said so");
        ops.MapPut("/knobs/{name}", SetAsync).Takes<KnobSetting>().As("ops.setKnob", "Set a knob on all replicas", 400, 404, 413, 415);
        ops.MapDelete("/knobs/{name}", ClearAsync).As("ops.clearKnob", "Give a knob back to configuration", 400, 404);
        ops.MapPost("/admission/{mode}", SwitchAsync).As("ops.switchAdmission", "Switch admission: enforce, shadow or off", 400);
        ops.MapToolJobs();
        ops.MapDeadLetters();
        ops.MapToolCache();
        ops.MapTaxonomy();
        ops.MapAudit();
    }

    private static Ok<KnobList> Knobs(KnobRegistry knobs) => TypedResults.Ok(new KnobList([.. knobs.Read().Select(KnobView.Of)], knobs.Rejected));

    private static async Task<Results<Ok<KnobChanged>, ApiError>> SetAsync(HttpContext http, string name, KnobOverrideStore store, KnobRegistry knobs, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, OpsJson.Default.KnobSetting, cancellationToken);
        if (!body.TryGet(out var setting, out var refusal))
        {
            return refusal;
        }

        return await ChangeAsync(http, name, setting.Text, store, knobs, cancellationToken);
    }

    private static Task<Results<Ok<KnobChanged>, ApiError>> ClearAsync(HttpContext http, string name, KnobOverrideStore store, KnobRegistry knobs, CancellationToken cancellationToken) =>
        ChangeAsync(http, name, null, store, knobs, cancellationToken);

    private static async Task<Results<Ok<KnobChanged>, ApiError>> ChangeAsync(HttpContext http, string name, string? value, KnobOverrideStore store, KnobRegistry knobs, CancellationToken cancellationToken)
    {
        if (knobs.Find(name) is null)
        {
            return ApiError.NotFound("No such knob");
        }

        var change = await store.SetAsync(name, value, Actor(http), cancellationToken);
        return change.Accepted
            ? TypedResults.Ok(new KnobChanged(name, change.Before, change.Now))
            : ApiError.InvalidRequest($"{name}: {change.Reason}");
    }

    private static async Task<Results<Ok<AdmissionSwitched>, ApiError>> SwitchAsync(HttpContext http, string mode, KnobOverrideStore store, CancellationToken cancellationToken)
    {
        if (!AdmissionModes.TryGetValue(mode, out var settings))
        {
            return ApiError.InvalidRequest("mode must be enforce, shadow or off");
        }

        var changes = new List<KnobChanged>();
        foreach (var (name, value) in settings)
        {
            var change = await store.SetAsync(name, value, Actor(http), cancellationToken);
            changes.Add(new(name, change.Before, change.Now));
        }

        return TypedResults.Ok(new AdmissionSwitched(mode, changes));
    }

    private static ProducesResponseTypeMetadata Refusal(int status) => new(status, typeof(string), ["text/plain"]);

    /// <summary>In an order that never refuses anyone on the way who would be let in before and after.</summary>
    private static readonly Dictionary<string, (string Name, string Value)[]> AdmissionModes = new(StringComparer.Ordinal)
    {
        ["enforce"] = [("ADMISSION_REDIS_SHADOW_MODE", "false"), ("ADMISSION_REDIS_ENABLED", "true"), ("FF_ADMISSION_ENFORCE", "true")],
        ["shadow"] = [("ADMISSION_REDIS_SHADOW_MODE", "true"), ("FF_ADMISSION_ENFORCE", "false"), ("ADMISSION_REDIS_ENABLED", "true")],
        ["off"] = [("ADMISSION_REDIS_ENABLED", "false"), ("FF_ADMISSION_ENFORCE", "false"), ("ADMISSION_REDIS_SHADOW_MODE", "true")],
    };

    /// <summary>Who is told in the audit.</summary>
    internal static string Actor(HttpContext http) => $"operator at {ClientAddress.KeyOf(http)}";
}
