using System.Text.Json.Serialization;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>The trail of a turn as it is stored with its stream session. Names are short, because every turn has one.</summary>
internal sealed record TrailEntries
{
    /// <summary>How the turn was admitted.</summary>
    [JsonPropertyName("g")]
    public TrailGate? Gate { get; init; }

    /// <summary>The model calls, the first one first.</summary>
    [JsonPropertyName("c")]
    public IReadOnlyList<TrailCall> Calls { get; init; } = [];

    /// <summary>The tool calls in the order in which they began.</summary>
    [JsonPropertyName("t")]
    public IReadOnlyList<TrailTool> Tools { get; init; } = [];

    /// <summary>How the turn ended; null while it runs and when its replica died.</summary>
    [JsonPropertyName("e")]
    public TrailEnd? End { get; init; }
}

/// <param name="Mode"><c>enforce</c>, <c>shadow</c> or <c>disabled</c>.</param>
/// <param name="Route">The route of which the turn holds a slot.</param>
/// <param name="IsLocal">Redis was unavailable: the replica decided alone.</param>
/// <param name="WaitedMs">Time from the request to the decision that the turn may start.</param>
internal sealed record TrailGate(
    [property: JsonPropertyName("m")] string Mode, [property: JsonPropertyName("r")] string Route,
        [property: JsonPropertyName("l")] bool IsLocal,
    [property: JsonPropertyName("w")] int WaitedMs, [property: JsonPropertyName("d")] IReadOnlyList<TrailLimit> Limits);

/// <param name="Used">What was in use before the turn; null: unknown.</param>
/// <param name="Verdict"><c>over</c> or <c>would_block</c>; null: passed.</param>
internal sealed record TrailLimit(
    [property: JsonPropertyName("n")] string Name, [property: JsonPropertyName("u")] int? Used, [property: JsonPropertyName("x")] int Max,
    [property: JsonPropertyName("v")] string? Verdict);

/// <summary>A model call.</summary>
/// <param name="At">When it began.</param>
internal sealed record TrailCall([property: JsonPropertyName("a")] DateTimeOffset At)
{
    [JsonPropertyName("t")]
    public IReadOnlyList<TrailAttempt> Attempts { get; init; } = [];

    /// <summary>Null: no token has arrived.</summary>
    [JsonPropertyName("f")]
    public DateTimeOffset? FirstTokenAt { get; init; }

    [JsonPropertyName("e")]
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The finish reason of the provider.</summary>
    [JsonPropertyName("r")]
    public string? Reason { get; init; }

    [JsonPropertyName("k")]
    public long? Tokens { get; init; }
}

/// <summary>An attempt of a model call on a route.</summary>
/// <param name="Outcome"><see cref="Chosen"/>, <see cref="Failed"/> or <see cref="Refused"/>; null: it waits for the response of the
/// provider.</param>
/// <param name="Code">The error code of a failure, or the guard that refused it.</param>
/// <param name="Status">The HTTP status of a failure.</param>
internal sealed record TrailAttempt(
    [property: JsonPropertyName("a")] DateTimeOffset At, [property: JsonPropertyName("r")] string Route,
        [property: JsonPropertyName("m")] string Model,
    [property: JsonPropertyName("o")] string? Outcome = null, [property: JsonPropertyName("c")] string? Code = null,
    [property: JsonPropertyName("s")] int? Status = null, [property: JsonPropertyName("e")] DateTimeOffset? EndedAt = null)
{
    public const string Chosen = "chosen";
    public const string Failed = "failed";
    public const string Refused = "refused";
}

/// <summary>A tool call.</summary>
/// <param name="At">When it began.</param>
internal sealed record TrailTool(
    [property: JsonPropertyName("i")] string Id, [property: JsonPropertyName("n")] string Name,
        [property: JsonPropertyName("a")] DateTimeOffset At)
{
    [JsonPropertyName("e")]
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The tool job; null: the result came from the cache, or the tool has no queue.</summary>
    [JsonPropertyName("j")]
    public Guid? Job { get; init; }

    [JsonPropertyName("q")]
    public DateTimeOffset? JobAt { get; init; }

    /// <summary>Another turn had enqueued the job.</summary>
    [JsonPropertyName("o")]
    public bool Joined { get; init; }

    /// <summary><c>cache</c>, <c>job</c>, <c>stale_cache</c> or <c>none</c>; null: the tool does not search.</summary>
    [JsonPropertyName("s")]
    public string? Source { get; init; }

    [JsonPropertyName("f")]
    public bool Failed { get; init; }

    /// <summary><c>queue_saturated</c>, <c>queue_timeout</c> or <c>dead_letter</c>.</summary>
    [JsonPropertyName("b")]
    public string? Backpressure { get; init; }
}

/// <param name="Reason"><c>completed</c>, <c>failed</c>, or why the turn was ended, for instance <c>user_abort</c>.</param>
/// <param name="Code">The error code that the client got.</param>
/// <param name="Tokens">Tokens of all model calls.</param>
/// <param name="MicroUsd">Cost of all model calls in millionths of a US dollar; null: a price is unknown.</param>
internal sealed record TrailEnd(
    [property: JsonPropertyName("r")] string Reason, [property: JsonPropertyName("c")] string? Code,
        [property: JsonPropertyName("o")] string? Route,
    [property: JsonPropertyName("s")] int? Status, [property: JsonPropertyName("k")] long Tokens,
        [property: JsonPropertyName("u")] long? MicroUsd);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(TrailEntries))]
internal sealed partial class TrailJson : JsonSerializerContext;
