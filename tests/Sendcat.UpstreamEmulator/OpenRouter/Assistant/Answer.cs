namespace Sendcat.UpstreamEmulator.OpenRouter.Assistant;

/// <summary>
/// The answer of the model to one call: reasoning, text and tool calls. Reasoning and text are already split into stream chunks.
/// </summary>
internal sealed record Answer(IReadOnlyList<string> Reasoning, IReadOnlyList<string> Content, IReadOnlyList<ToolCall> ToolCalls)
{
    /// <summary>The finish reason, unless a marker sets another one.</summary>
    public string Finish => ToolCalls.Count > 0 ? "tool_calls" : "stop";
}

internal sealed record ToolCall(string Id, string Name, string Arguments);
