namespace Sendcat.ApiService.Providers;

/// <summary>One model call of a turn.</summary>
internal sealed record ProviderRequest
{
    /// <summary>The model that the user asked for; null: the configured default class decides.</summary>
    public string? ModelId { get; init; }

    /// <summary>The conversation. System prompts fit the model of the route and are therefore put before it here, see <see cref="WithPrompts"/>.</summary>
    public required IReadOnlyList<ProviderMessage> Messages { get; init; }

    /// <summary>False: the messages are sent as they are, without Sendcat's own system prompts.</summary>
    public bool WithPrompts { get; init; } = true;

    /// <summary>Declared to models with native tools, described in a prompt to the others.</summary>
    public IReadOnlyList<ToolDeclaration> Tools { get; init; } = [];

    /// <summary>False: <c>tool_choice: "none"</c>, because a limit of the turn was hit.</summary>
    public bool ToolsAllowed { get; init; } = true;

    /// <summary>Tokens that the answer may have, by the route that is asked; null: no limit is sent.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>Web-search markup in text is a tool call only when this is on.</summary>
    public bool WebSearch { get; init; }

    public required string ThreadId { get; init; }

    /// <summary>Holder of the bulkhead leases; the primary route's lease was taken at admission when <see cref="PrimaryHeld"/>.</summary>
    public required string StreamId { get; init; }

    public bool PrimaryHeld { get; init; }

    /// <summary>The message that the answer becomes, for traces.</summary>
    public Guid? MessageId { get; init; }
}

/// <summary>A message as the provider wants it.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>.</param>
internal sealed record ProviderMessage(string Role, string? Content)
{
    public IReadOnlyList<ProviderToolCall> ToolCalls { get; init; } = [];

    public string? ToolCallId { get; init; }

    public string? Name { get; init; }

    /// <summary>Images and PDFs of a user message; sent as multi-part content.</summary>
    public IReadOnlyList<ProviderAttachment> Attachments { get; init; } = [];

    /// <summary>The provider's <c>reasoning_details</c> array as raw JSON, replayed verbatim within a turn.</summary>
    public string? ReasoningDetailsJson { get; init; }
}

/// <param name="ArgumentsJson">The arguments exactly as the model wrote them.</param>
internal sealed record ProviderToolCall(string Id, string Name, string ArgumentsJson);

internal sealed record ProviderAttachment(string Url, string MediaType, string Name);

/// <param name="ParametersJson">JSON Schema of the arguments.</param>
internal sealed record ToolDeclaration(string Name, string Description, string ParametersJson);
