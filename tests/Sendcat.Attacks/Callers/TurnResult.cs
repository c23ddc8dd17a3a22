using System.Text.Json;

namespace Sendcat.Attacks.Callers;

/// <summary>A chat turn as its client saw it.</summary>
internal sealed record TurnResult
{
    public required int Status { get; init; }

    public string? Code { get; init; }

    /// <summary>Whether <c>Retry-After</c> is at least 1 s.</summary>
    public bool HasRetryAfter { get; init; }

    /// <summary>The time from the request to the first piece of text; null without text.</summary>
    public TimeSpan? FirstToken { get; init; }

    public IReadOnlyList<JsonElement> Events { get; init; } = [];

    /// <summary>The size of the stream (bytes).</summary>
    public long Bytes { get; init; }

    /// <summary>What was wrong with the response; null when a strict client can read the stream to its end.</summary>
    public string? Problem { get; init; }

    public bool IsComplete => Status == 200 && Problem is null;

    public override string ToString() => $"{Status} {Code} {Problem}";
}
