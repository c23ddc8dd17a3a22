namespace Sendcat.Monitor.Chat;

/// <summary>
/// Paths, headers and event names of the chat API (docs/chat-protocol.md). The Monitor shares no other contract with the service.
/// </summary>
internal static class Wire
{
    public const string ErrorCodeHeader = "x-sendcat-error-code";

    public const string AnonymousSession = "api/auth/anonymous";
    public const string Threads = "api/threads";
    public const string Chat = "api/chat";
    public const string ChatAbort = "api/chat/abort";
    public const string ChatHealth = "api/chat/health";
    public const string Health = "health";

    /// <summary>The last data event of a UI message stream.</summary>
    public const string UiDone = "[DONE]";

    // Events of the Sendcat dialect.
    public const string Start = "start";
    public const string ProviderRoute = "provider-route";
    public const string Content = "content";
    public const string Reasoning = "reasoning";
    public const string ToolInputAvailable = "tool-input-available";
    public const string ToolOutputPartial = "tool-output-partially-available";
    public const string ToolOutputError = "tool-output-error";
    public const string ToolBackpressure = "tool-backpressure";
    public const string Usage = "usage";
    public const string Error = "error";
    public const string Aborted = "aborted";
    public const string Done = "done";

    // Chunks that exist only in the UI dialect.
    public const string UiTextDelta = "text-delta";
    public const string UiReasoningDelta = "reasoning-delta";
    public const string UiToolInputError = "tool-input-error";
    public const string UiToolOutput = "tool-output-available";
    public const string UiRoute = "data-provider-route";
    public const string UiBackpressure = "data-tool-backpressure";
    public const string UiErrorDetail = "data-error";
    public const string UiStep = "data-step";
    public const string UiAbort = "abort";
    public const string UiFinish = "finish";
}
