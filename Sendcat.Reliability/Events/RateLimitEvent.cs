namespace Sendcat.Reliability.Events;

public enum RateLimitOutcome
{
    Allowed,
    Blocked,

    /// <summary>Redis was unavailable, and the decision was made without it.</summary>
    ContentionFallback,
}

public enum RateLimitSource
{
    Http,
    ChatHttp,
    ChatAction,
}

/// <summary>
/// A decision of a limit on a call. Events with the same five parameters in the same time slot of five seconds are one row, with the number
/// of events as its hits.
/// </summary>
/// <param name="Source">Where the call came from.</param>
/// <param name="Bucket">The limit, for instance <c>chat_stream</c> or <c>chat_admission</c>.</param>
/// <param name="Key">The name that the limit counts under. It is masked before it is written.</param>
/// <param name="Outcome">The decision.</param>
/// <param name="Reason">Why the call was refused, where the limit has more than one reason.</param>
public readonly record struct RateLimitEvent(RateLimitSource Source, string Bucket, string Key, RateLimitOutcome Outcome, string? Reason)
{
    public TimeSpan? RetryAfter { get; init; }

    public string? Path { get; init; }

    public string? Method { get; init; }

    public string SourceName => Source switch
    {
        RateLimitSource.Http => "http",
        RateLimitSource.ChatHttp => "chat_http",
        RateLimitSource.ChatAction => "chat_action",
        _ => throw new InvalidOperationException($"The source {Source} has no name."),
    };

    public string OutcomeName => Outcome switch
    {
        RateLimitOutcome.Allowed => "allowed",
        RateLimitOutcome.Blocked => "blocked",
        RateLimitOutcome.ContentionFallback => "contention_fallback",
        _ => throw new InvalidOperationException($"The outcome {Outcome} has no name."),
    };

    internal (RateLimitSource, string, string, RateLimitOutcome, string?) Identity => (Source, Bucket, Key, Outcome, Reason);
}
