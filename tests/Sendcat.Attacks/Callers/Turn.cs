using System.Text.Json;

namespace Sendcat.Attacks.Callers;

/// <summary>How one chat turn looked to its client.</summary>
internal sealed record Turn
{
    public required int Status { get; init; }

    public string? Code { get; init; }

    public bool SaysWhen { get; init; }

    /// <summary>Request sent → first piece of text.</summary>
    public TimeSpan? FirstToken { get; init; }

    public IReadOnlyList<JsonElement> Events { get; init; } = [];

    public long Bytes { get; init; }

    /// <summary>What was wrong; null for a stream that a strict client reads to its end.</summary>
    public string? Complaint { get; init; }

    public bool IsWhole => Status == 200 && Complaint is null;

    public override string ToString() => $"{Status} {Code} {Complaint}";
}
