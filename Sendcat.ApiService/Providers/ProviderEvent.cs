namespace Sendcat.ApiService.Providers;

/// <summary>An event of a model call. Every call ends with <see cref="Finished"/> or with an exception.</summary>
internal abstract record ProviderEvent
{
    /// <summary>Response headers arrived on this route. A later event of this type (retry or failover) replaces an earlier one.</summary>
    public sealed record RouteChosen(string ProviderId, string RouteId, string ModelClass, string Model) : ProviderEvent;

    /// <summary>A file of the conversation is not sent to the model of the route. Follows <see cref="RouteChosen"/>.</summary>
    /// <param name="Id">The id of the attachment; null for a file that is only an address.</param>
    /// <param name="Reason">A value of <see cref="LeftOutReason"/>.</param>
    public sealed record FileLeftOut(string? Id, string Name, string MediaType, string Reason) : ProviderEvent;

    public sealed record Text(string Delta) : ProviderEvent;

    public sealed record Reasoning(string Delta) : ProviderEvent;

    /// <summary>Name and id of a tool call are known. Sent once per tool call.</summary>
    public sealed record ToolCallStarted(string Id, string Name) : ProviderEvent;

    public sealed record ToolCallDelta(string Id, string ArgumentsDelta) : ProviderEvent;

    /// <summary>The complete tool call. Tool calls come after all deltas, in the order of the model's indexes.</summary>
    public sealed record ToolCallReady(ProviderToolCall Call) : ProviderEvent;

    /// <summary>The last event. <see cref="Usage"/> is null when the provider sent none.</summary>
    /// <param name="Reason"><c>stop</c>, <c>length</c>, <c>tool_calls</c>, <c>content_filter</c>, or another value of the provider.</param>
    /// <param name="Model">The model that generated the response, as the provider names it.</param>
    /// <param name="ReasoningDetailsJson">The <c>reasoning_details</c> array as JSON; null: there is nothing to replay.</param>
    public sealed record Finished(string Reason, ProviderUsage? Usage, string? Model, string? ReasoningDetailsJson) : ProviderEvent;
}

/// <summary>Tokens as the provider counted them, and the cost in US dollars.</summary>
internal sealed record ProviderUsage(
    long PromptTokens, long CompletionTokens, long TotalTokens, long? CachedTokens, long? ReasoningTokens, decimal? Cost)
{
    /// <summary>The sum of both. A value that only one of them has is taken from that one.</summary>
    public ProviderUsage Plus(ProviderUsage? other) => other is null ? this : new(
        PromptTokens + other.PromptTokens, CompletionTokens + other.CompletionTokens, TotalTokens + other.TotalTokens,
        CachedTokens + other.CachedTokens ?? CachedTokens ?? other.CachedTokens,
        ReasoningTokens + other.ReasoningTokens ?? ReasoningTokens ?? other.ReasoningTokens,
        Cost + other.Cost ?? Cost ?? other.Cost);
}
