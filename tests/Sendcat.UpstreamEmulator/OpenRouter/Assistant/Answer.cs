namespace Sendcat.UpstreamEmulator.OpenRouter.Assistant;

/// <summary>What the model says in one call: reasoning, text and tool calls, already cut into the pieces in which they stream.</summary>
internal sealed record Answer(IReadOnlyList<string> Reasoning, IReadOnlyList<string> Content, IReadOnlyList<ToolCall> ToolCalls)
{
    /// <summary>The finish reason unless a marker says another.</summary>
    public string Finish => ToolCalls.Count > 0 ? "tool_calls" : "stop";
}

internal sealed record ToolCall(string Id, string Name, string Arguments);
