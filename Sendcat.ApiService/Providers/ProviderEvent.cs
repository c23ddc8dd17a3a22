namespace Sendcat.ApiService.Providers;

/// <summary>What comes back from a model call, in order. A call ends with <see cref="Finished"/> or with a <see cref="ProviderException"/>, never silently.</summary>
internal abstract record ProviderEvent
{
    /// <summary>Upstream headers were obtained on this route. A later one (failover) replaces it.</summary>
    public sealed record RouteChosen(string ProviderId, string RouteId, string ModelClass, string Model) : ProviderEvent;

    public sealed record Text(string Delta) : ProviderEvent;

    public sealed record Reasoning(string Delta) : ProviderEvent;

    /// <summary>Name and id of a tool call are known; sent once per call.</summary>
    public sealed record ToolCallStarted(string Id, string Name) : ProviderEvent;

    public sealed record ToolCallDelta(string Id, string ArgumentsDelta) : ProviderEvent;

    /// <summary>The whole call, in the order of the model's indexes; after all deltas.</summary>
    public sealed record ToolCallReady(ProviderToolCall Call) : ProviderEvent;

    /// <summary>The last event. <see cref="Usage"/> is null when the provider sent none.</summary>
    /// <param name="Reason"><c>stop</c>, <c>length</c>, <c>tool_calls</c>, <c>content_filter</c>, or another of the provider's words.</param>
    /// <param name="Model">The model that answered, as the provider names it.</param>
    public sealed record Finished(string Reason, ProviderUsage? Usage, string? Model, string? ReasoningDetailsJson) : ProviderEvent;
}

/// <summary>Tokens as the provider counted them; cost in US dollars.</summary>
internal sealed record ProviderUsage(long PromptTokens, long CompletionTokens, long TotalTokens, long? CachedTokens, long? ReasoningTokens, decimal? Cost)
{
    /// <summary>The sum; what only one of them knows counts as it is.</summary>
    public ProviderUsage Plus(ProviderUsage? other) => other is null ? this : new(
        PromptTokens + other.PromptTokens, CompletionTokens + other.CompletionTokens, TotalTokens + other.TotalTokens,
        CachedTokens + other.CachedTokens ?? CachedTokens ?? other.CachedTokens,
        ReasoningTokens + other.ReasoningTokens ?? ReasoningTokens ?? other.ReasoningTokens,
        Cost + other.Cost ?? Cost ?? other.Cost);
}
