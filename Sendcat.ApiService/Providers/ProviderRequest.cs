namespace Sendcat.ApiService.Providers;

/// <summary>One model call of a turn.</summary>
internal sealed record ProviderRequest
{
    /// <summary>The requested model; null: the model of the configured default class.</summary>
    public string? ModelId { get; init; }

    /// <summary>
    /// The conversation without system prompts. The system prompts depend on the model of the route and are prepended when the request is
    /// sent; see <see cref="WithPrompts"/>.
    /// </summary>
    public required IReadOnlyList<ProviderMessage> Messages { get; init; }

    /// <summary>False: the messages are sent as they are, without Sendcat's own system prompts.</summary>
    public bool WithPrompts { get; init; } = true;

    /// <summary>Tools of the call. Models with native tools get them as declarations; other models get a description in a prompt.</summary>
    public IReadOnlyList<ToolDeclaration> Tools { get; init; } = [];

    /// <summary>False: <c>tool_choice: "none"</c>, because a limit of the turn was hit.</summary>
    public bool ToolsAllowed { get; init; } = true;

    /// <summary>Maximum tokens of the response, set per route; null: no limit is sent.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>
    /// True: web search is on. False: <c>search_web</c> is not declared, and web search markup in the text is removed but not executed.
    /// </summary>
    public bool WebSearch { get; init; }

    public required string ThreadId { get; init; }

    /// <summary>Holder of the bulkhead leases.</summary>
    public required string StreamId { get; init; }

    /// <summary>The route whose bulkhead slot admission has already acquired; null: none. It is tried first.</summary>
    public string? HeldRoute { get; init; }

    /// <summary>True: the call must not use a model without a known price, because the turn has a budget of money.</summary>
    public bool PricedOnly { get; init; }

    /// <summary>Id of the assistant message that stores the response. Used for traces.</summary>
    public Guid? MessageId { get; init; }

    /// <summary>Called when an attempt begins and when it fails; null: nobody is interested.</summary>
    public Action<AttemptNotice>? OnAttempt { get; init; }
}

/// <summary>An attempt of a model call on a route.</summary>
/// <param name="Failure">Null: it begins.</param>
internal readonly record struct AttemptNotice(string RouteId, string Model, ProviderException? Failure);

/// <summary>A message in the format of the provider.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>.</param>
internal sealed record ProviderMessage(string Role, string? Content)
{
    public IReadOnlyList<ProviderToolCall> ToolCalls { get; init; } = [];

    public string? ToolCallId { get; init; }

    public string? Name { get; init; }

    /// <summary>Images and PDFs of a user message. They are sent as multi-part content.</summary>
    public IReadOnlyList<ProviderAttachment> Attachments { get; init; } = [];

    /// <summary>The provider's <c>reasoning_details</c> array as raw JSON, replayed verbatim within a turn.</summary>
    public string? ReasoningDetailsJson { get; init; }
}

/// <param name="ArgumentsJson">The arguments exactly as the model wrote them.</param>
internal sealed record ProviderToolCall(string Id, string Name, string ArgumentsJson);

/// <param name="ParametersJson">JSON Schema of the arguments.</param>
internal sealed record ToolDeclaration(string Name, string Description, string ParametersJson);
