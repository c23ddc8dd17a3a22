using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.KnobChanges;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/knobs</c>: the settings in force, and their changes on all replicas.</summary>
internal static class KnobOps
{
    public static void MapKnobs(this RouteGroupBuilder ops)
    {
        ops.MapGet("/knobs", List).As(
            "ops.knobs",
            "Every knob: value, default, range and source, and of what an operator set: who, until when, and what it replaces");
        ops.MapPut("/knobs/{name}", SetAsync).Takes<KnobSetting>().As(
            "ops.setKnob", "Set a knob on all replicas: within five seconds, until it is cleared or for a time", 400, 404, 413, 415);
        ops.MapDelete("/knobs/{name}", ClearAsync).As("ops.clearKnob", "Remove the override of a knob", 400, 404);
    }

    private static Ok<KnobList> List(KnobRegistry knobs, KnobWarnings warnings) =>
        TypedResults.Ok(new KnobList([.. knobs.Read().Select(reading => KnobView.Of(reading, warnings))], knobs.Rejected));

    private static async Task<Results<Ok<KnobChanged>, ApiError>> SetAsync(
        HttpContext http, string name, KnobOverrideStore store, KnobRegistry knobs, KnobWarnings warnings,
        CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, OpsJson.Default.KnobSetting, cancellationToken);
        if (!body.TryGet(out var setting, out var refusal))
        {
            return refusal;
        }

        return knobs.Find(name) is not { } knob
            ? NoSuchKnob()
            : Changed(knob, await store.SetAsync(name, setting.Text, setting.Term, OpsEndpoints.By(http), cancellationToken), warnings);
    }

    private static async Task<Results<Ok<KnobChanged>, ApiError>> ClearAsync(
        HttpContext http, string name, KnobOverrideStore store, KnobRegistry knobs, CancellationToken cancellationToken) =>
        knobs.Find(name) is { } knob
            ? Changed(knob, await store.SetAsync(name, null, OpsEndpoints.By(http), cancellationToken), null)
            : NoSuchKnob();

    private static Results<Ok<KnobChanged>, ApiError> Changed(Knob knob, KnobChange change, KnobWarnings? warnings) =>
        change.Accepted
            ? TypedResults.Ok(new KnobChanged(knob.Name, change.Before?.Value, change.Now)
            {
                BeforeUntil = change.Before?.Until?.UtcDateTime,
                BeforeThen = change.Before?.Then,
                Until = change.Until?.UtcDateTime,
                Then = change.Then,
                Warning = warnings?.Of(knob),
            })
            : ApiError.InvalidRequest($"{knob.Name}: {change.Reason}");

    private static ApiError NoSuchKnob() => ApiError.NotFound("No such knob");
}
