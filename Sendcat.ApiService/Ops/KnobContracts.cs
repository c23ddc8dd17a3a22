using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.KnobChanges;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Ops;

/// <param name="Value">The value in force; for a secret only whether it is set.</param>
/// <param name="Source"><c>default</c>, <c>preset</c>, <c>configuration</c> or <c>override</c>.</param>
internal sealed record KnobView(
    string Name, string Value, string Default, string Source, string Range, string Unit, string Section, string Description)
{
    /// <summary>Of an override: the value that applies without it.</summary>
    public string? Configured { get; init; }

    /// <summary>Of an override: when it ends by itself; absent when it does not.</summary>
    public DateTime? Until { get; init; }

    /// <summary>Of an override that ends by itself: the operators' value that applies afterwards; absent: the configuration does.</summary>
    public string? Then { get; init; }

    /// <summary>Of an override: the operator.</summary>
    public string? SetBy { get; init; }

    public DateTime? SetAt { get; init; }

    /// <summary>Why a change would have no effect, or not yet; absent: it takes effect within five seconds.</summary>
    public string? Warning { get; init; }

    public static KnobView Of(KnobReading reading, KnobWarnings warnings) => new(
        reading.Knob.Name,
        reading.Value,
        reading.Knob.Default,
        reading.Source.ToString().ToLowerInvariant(),
        reading.Knob.Range,
        reading.Knob.Unit,
        reading.Knob.Section,
        reading.Knob.Description)
    {
        Configured = reading.Override is null ? null : reading.Configured,
        Until = reading.Override?.Until?.UtcDateTime,
        Then = reading.Override?.Then,
        SetBy = reading.Override?.Actor,
        SetAt = reading.Override?.SetAt.UtcDateTime,
        Warning = warnings.Of(reading.Knob),
    };
}

/// <param name="Rejected">Configured values that were rejected.</param>
internal sealed record KnobList(IReadOnlyList<KnobView> Items, IReadOnlyList<RejectedKnob> Rejected);

/// <param name="Value">Text, a number or true/false.</param>
/// <param name="ForSeconds">10 to 2592000; then the change ends by itself. Absent: it lasts until it is cleared.</param>
/// <remarks>A property with a wrong name is refused: a change for a time would last.</remarks>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record KnobSetting(JsonElement Value, int? ForSeconds) : IValidatable
{
    private const int LongestText = 2_000;

    /// <summary>
    /// With <see cref="ForSeconds"/>: what applies afterwards. Absent: the operators' lasting value of before, or without one the
    /// configuration; null: the configuration.
    /// </summary>
    public JsonElement Then { get; init; }

    [JsonIgnore]
    public string Text => TextOf(Value);

    [JsonIgnore]
    public KnobTerm? Term => ForSeconds is not { } seconds ? null
        : new(
            TimeSpan.FromSeconds(seconds),
            Then.ValueKind == JsonValueKind.Undefined ? null
            : new KnobThen(Then.ValueKind == JsonValueKind.Null ? null : TextOf(Then)));

    public IEnumerable<string> Problems()
    {
        if (!IsValue(Value))
        {
            yield return "value must be text, a number, true or false";
        }

        if (ForSeconds is { } seconds && !GivenTerm.Allows(seconds))
        {
            yield return GivenTerm.Problem;
        }

        if (Then.ValueKind != JsonValueKind.Undefined && (ForSeconds is null || (Then.ValueKind != JsonValueKind.Null && !IsValue(Then))))
        {
            yield return "then must be text, a number, true, false or null, with forSeconds";
        }
    }

    private static bool IsValue(JsonElement json) =>
        json.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False
            && StoredText.Fits(TextOf(json), LongestText);

    private static string TextOf(JsonElement json) => json.ValueKind == JsonValueKind.String ? json.GetString()! : json.GetRawText();
}

/// <summary>How long a change lasts, from a query.</summary>
/// <param name="Term">Null: until it is cleared.</param>
internal sealed record GivenTerm(KnobTerm? Term)
{
    public static readonly string Problem = $"forSeconds must be {KnobTerm.Shortest.TotalSeconds} to {KnobTerm.Longest.TotalSeconds}";

    public static bool Allows(int seconds) => seconds >= KnobTerm.Shortest.TotalSeconds && seconds <= KnobTerm.Longest.TotalSeconds;

    public static Outcome<GivenTerm> Read(string? forSeconds) =>
        string.IsNullOrEmpty(forSeconds) ? new GivenTerm(Term: null)
        : int.TryParse(forSeconds, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && Allows(seconds)
            ? new GivenTerm(new KnobTerm(TimeSpan.FromSeconds(seconds), null))
            : ApiError.InvalidRequest(Problem);
}

/// <param name="Before">The previous override.</param>
/// <param name="Value">The new value, in force now on this replica and within five seconds on the others.</param>
internal sealed record KnobChanged(string Name, string? Before, string? Value)
{
    /// <summary>When the previous override would have ended by itself.</summary>
    public DateTime? BeforeUntil { get; init; }

    /// <summary>The operators' value that would have applied after it.</summary>
    public string? BeforeThen { get; init; }

    /// <summary>When the change ends by itself; absent when it does not.</summary>
    public DateTime? Until { get; init; }

    /// <summary>The operators' value that applies afterwards; absent: the configuration does.</summary>
    public string? Then { get; init; }

    /// <summary>Why the change has no effect, or not yet.</summary>
    public string? Warning { get; init; }
}
