namespace Sendcat.Reliability.Events;

public enum RateLimitOutcome
{
    Allowed,
    Blocked,

    /// <summary>Decided without Redis.</summary>
    ContentionFallback,
}

public enum RateLimitSource
{
    Http,
    ChatHttp,
    ChatAction,
}

/// <summary>What a limit did to a call. Two that are equal in all five parts within the same five seconds are one row with two hits.</summary>
/// <param name="Bucket">For instance <c>chat_stream</c>, <c>chat_admission</c>.</param>
public readonly record struct RateLimitEvent(RateLimitSource Source, string Bucket, string Key, RateLimitOutcome Outcome, string? Reason)
{
    public TimeSpan? RetryAfter { get; init; }

    public string? Path { get; init; }

    public string? Method { get; init; }

    public string SourceWord => Source switch { RateLimitSource.ChatHttp => "chat_http", RateLimitSource.ChatAction => "chat_action", _ => "http" };

    public string OutcomeWord => Outcome switch { RateLimitOutcome.Allowed => "allowed", RateLimitOutcome.Blocked => "blocked", _ => "contention_fallback" };

    internal (RateLimitSource, string, string, RateLimitOutcome, string?) Identity => (Source, Bucket, Key, Outcome, Reason);
}
