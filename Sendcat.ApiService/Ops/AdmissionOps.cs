using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.KnobChanges;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/admission</c>: the mode of admission, which several knobs decide together.</summary>
internal static class AdmissionOps
{
    private const string Enabled = "ADMISSION_REDIS_ENABLED";
    private const string Shadow = "ADMISSION_REDIS_SHADOW_MODE";
    private const string Enforce = "FF_ADMISSION_ENFORCE";
    private const string Off = "off";

    private static readonly Dictionary<string, (string Name, string Value)[]> Modes = new(StringComparer.Ordinal)
    {
        ["enforce"] = [(Shadow, "false"), (Enabled, "true"), (Enforce, "true")],
        ["shadow"] = [(Shadow, "true"), (Enforce, "false"), (Enabled, "true")],
        [Off] = [(Enabled, "false"), (Enforce, "false"), (Shadow, "true")],
    };

    public static void MapAdmission(this RouteGroupBuilder ops) => ops.MapPost("/admission/{mode}", SwitchAsync).As(
        "ops.switchAdmission", "Switch admission: enforce, shadow or off; with ?forSeconds= for a time", 400);

    private static async Task<Results<Ok<AdmissionSwitched>, ApiError>> SwitchAsync(
        HttpContext http, string mode, string? forSeconds, KnobOverrideStore store, KnobRegistry knobs, CancellationToken cancellationToken)
    {
        if (!Modes.TryGetValue(mode, out var settings))
        {
            return ApiError.InvalidRequest("mode must be enforce, shadow or off");
        }

        if (!GivenTerm.Read(forSeconds).TryGet(out var term, out var refusal))
        {
            return refusal;
        }

        // The mode of the configuration needs no overrides: none is left, as before the first change.
        var change = term.Term is null && IsConfigured(mode, settings, knobs)
            ? await store.ClearAllAsync([.. settings.Select(setting => setting.Name)], OpsEndpoints.By(http), cancellationToken)
            : await store.SetAllAsync(settings, term.Term, OpsEndpoints.By(http), cancellationToken);
        return change.Refused is { } refused
            ? ApiError.InvalidRequest($"{refused.Name}: {refused.Reason}")
            : TypedResults.Ok(
                new AdmissionSwitched(mode, [.. change.Changes.Select(each => new KnobChanged(each.Name, each.Before, each.Now))])
                {
                    Until = change.Until?.UtcDateTime,
                });
    }

    /// <summary>When admission is off, it does not matter what else is configured.</summary>
    private static bool IsConfigured(string mode, (string Name, string Value)[] settings, KnobRegistry knobs) =>
        settings.Where(setting => mode != Off || setting.Name == Enabled)
            .All(setting => knobs.Read(knobs.Find(setting.Name)!).Configured == setting.Value);
}
