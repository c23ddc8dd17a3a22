namespace Sendcat.Reliability.Slo;

/// <summary>How a request ended, seen from the objectives. Each request has one outcome.</summary>
public enum SliOutcome
{
    /// <summary>It got what it requested.</summary>
    Served,

    /// <summary>It failed because of us or of what we depend on: a status of 500 or more, or an answer that ended with an error.</summary>
    Failed,

    /// <summary>It was refused with 429: deliberate, so neither served nor failed.</summary>
    Shed,

    /// <summary>It was refused because of the request itself: a status of 400 to 499 without 429.</summary>
    Rejected,

    /// <summary>The caller left it, stopped it or replaced it.</summary>
    Aborted,
}

public static class SliOutcomes
{
    public static readonly IReadOnlyList<SliOutcome> All = Enum.GetValues<SliOutcome>();

    /// <summary>The name in JSON, in the database and in metrics.</summary>
    public static string Name(this SliOutcome outcome) => outcome switch
    {
        SliOutcome.Served => "served",
        SliOutcome.Failed => "failed",
        SliOutcome.Shed => "shed",
        SliOutcome.Rejected => "rejected",
        SliOutcome.Aborted => "aborted",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "The outcome has no name."),
    };

    /// <param name="status">The HTTP status of a refusal or an acknowledgement.</param>
    public static SliOutcome OfStatus(int status) => status switch
    {
        >= 500 => SliOutcome.Failed,
        429 => SliOutcome.Shed,
        // The client left before the response.
        499 => SliOutcome.Aborted,
        >= 400 => SliOutcome.Rejected,
        _ => SliOutcome.Served,
    };
}
