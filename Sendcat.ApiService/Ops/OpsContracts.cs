using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Ops;

/// <param name="Value">The value in force; for a secret only whether it is set.</param>
/// <param name="Source"><c>default</c>, <c>preset</c>, <c>configuration</c> or <c>override</c>.</param>
internal sealed record KnobView(string Name, string Value, string Default, string Source, string Range, string Unit, string Section, string Description)
{
    public static KnobView Of(KnobReading reading) => new(
        reading.Knob.Name,
        reading.Value,
        reading.Knob.Default,
        reading.Source.ToString().ToLowerInvariant(),
        reading.Knob.Range,
        reading.Knob.Unit,
        reading.Knob.Section,
        reading.Knob.Description);
}

/// <param name="Rejected">Configured values that were rejected.</param>
internal sealed record KnobList(IReadOnlyList<KnobView> Items, IReadOnlyList<RejectedKnob> Rejected);

/// <param name="Value">Text, a number or true/false.</param>
internal sealed record KnobSetting(JsonElement Value) : IValidatable
{
    public string Text => Value.ValueKind == JsonValueKind.String ? Value.GetString()! : Value.GetRawText();

    public IEnumerable<string> Problems()
    {
        if (Value.ValueKind is not (JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False)
            || !StoredText.Fits(Text, 2_000))
        {
            yield return "value must be text, a number, true or false";
        }
    }
}

/// <param name="Before">The previous override.</param>
/// <param name="Value">The new value, in force now on this replica and within five seconds on the others.</param>
internal sealed record KnobChanged(string Name, string? Before, string? Value);

internal sealed record AdmissionSwitched(string Mode, IReadOnlyList<KnobChanged> Changes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(KnobList))]
[JsonSerializable(typeof(KnobSetting))]
[JsonSerializable(typeof(KnobChanged))]
[JsonSerializable(typeof(AdmissionSwitched))]
[JsonSerializable(typeof(OwnKeyView))]
[JsonSerializable(typeof(QueueView))]
[JsonSerializable(typeof(QueueChecked))]
[JsonSerializable(typeof(Page<QueueAlertView>), TypeInfoPropertyName = "QueueAlertPage")]
[JsonSerializable(typeof(Page<DeadLetterGroupView>), TypeInfoPropertyName = "DeadLetterGroupPage")]
[JsonSerializable(typeof(Page<DeadLetterView>), TypeInfoPropertyName = "DeadLetterPage")]
[JsonSerializable(typeof(DeadLetterOrder))]
[JsonSerializable(typeof(DeadLettersChanged))]
[JsonSerializable(typeof(DeadLetterCount))]
[JsonSerializable(typeof(BulkOrder))]
[JsonSerializable(typeof(BulkChangeView))]
[JsonSerializable(typeof(Page<BulkChangeView>), TypeInfoPropertyName = "BulkChangePage")]
[JsonSerializable(typeof(CacheView))]
[JsonSerializable(typeof(CacheCleared))]
[JsonSerializable(typeof(TaxonomyRefreshRequested))]
[JsonSerializable(typeof(ReportedPackages))]
[JsonSerializable(typeof(PackagesReported))]
[JsonSerializable(typeof(Page<UnclaimedPackageView>), TypeInfoPropertyName = "UnclaimedPackagePage")]
[JsonSerializable(typeof(Page<ScheduledJobView>), TypeInfoPropertyName = "ScheduledJobPage")]
[JsonSerializable(typeof(SnapshotView))]
[JsonSerializable(typeof(Page<CircuitView>), TypeInfoPropertyName = "CircuitPage")]
[JsonSerializable(typeof(Page<BulkheadView>), TypeInfoPropertyName = "BulkheadPage")]
[JsonSerializable(typeof(Page<ReplicaView>), TypeInfoPropertyName = "ReplicaPage")]
[JsonSerializable(typeof(CircuitChanged))]
[JsonSerializable(typeof(ReplicaReleased))]
[JsonSerializable(typeof(ReplicaDrained))]
[JsonSerializable(typeof(Page<IncidentView>), TypeInfoPropertyName = "IncidentPage")]
[JsonSerializable(typeof(Page<RouteView>), TypeInfoPropertyName = "RoutePage")]
[JsonSerializable(typeof(RouteDrained))]
[JsonSerializable(typeof(RouteTested))]
[JsonSerializable(typeof(RouteModels))]
[JsonSerializable(typeof(RouteModelsChanged))]
[JsonSerializable(typeof(CleanedUp))]
[JsonSerializable(typeof(Page<EventView>), TypeInfoPropertyName = "EventPage")]
[JsonSerializable(typeof(EventSummary))]
[JsonSerializable(typeof(ToolJobView))]
[JsonSerializable(typeof(SloView))]
[JsonSerializable(typeof(CallersView))]
[JsonSerializable(typeof(CallerBlockOrder))]
[JsonSerializable(typeof(CallerUnblockOrder))]
[JsonSerializable(typeof(CallerBlockView))]
[JsonSerializable(typeof(CallerUnblocked))]
[JsonSerializable(typeof(ConditionsView))]
[JsonSerializable(typeof(AlertView))]
[JsonSerializable(typeof(Page<AlertView>), TypeInfoPropertyName = "AlertPage")]
[JsonSerializable(typeof(NewOpsKey))]
[JsonSerializable(typeof(OpsKeyMade))]
[JsonSerializable(typeof(OpsKeyView))]
[JsonSerializable(typeof(OpsKeyList))]
[JsonSerializable(typeof(Page<AuditView>), TypeInfoPropertyName = "AuditPage")]
[JsonSerializable(typeof(Page<ReplayKeyView>), TypeInfoPropertyName = "ReplayKeyPage")]
[JsonSerializable(typeof(string))]
internal sealed partial class OpsJson : JsonSerializerContext;
