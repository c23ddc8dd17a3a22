using System.Text.Json;

namespace Sendcat.Monitor.Chat;

/// <summary>The UI message stream of the AI SDK, as <c>useChat</c> requests and reads it.</summary>
internal sealed class UiTurnDialect : TurnDialect
{
    private JsonElement? _errorDetail; // arrives before the error event; it contains the code of that error

    public override bool StoresMessageFirst => false;

    public override object Request(TurnInput input) => new
    {
        Id = input.ThreadId,
        Messages = new[]
        {
            new { Id = Guid.NewGuid().ToString("N"), Role = "user", Parts = new[] { new { Type = "text", Text = input.Content } } },
        },
        Trigger = "submit-message", input.SessionId, input.ModelId,
        input.WebSearch,
    };

    public override TurnEvent? Read(string data)
    {
        if (data == Wire.UiDone)
        {
            return new TurnEvent.Done();
        }

        using var document = JsonDocument.Parse(data);
        var json = document.RootElement;
        var detail = json.Field("data") ?? default;
        switch (json.Text("type"))
        {
            case Wire.Start: return new TurnEvent.Started(json.Text("messageId"), json.Field("messageMetadata")?.Text("streamId"));
            case Wire.UiStep: return new TurnEvent.Started(detail.Text("messageId"), null);
            case Wire.UiRoute: return new TurnEvent.Route(detail.Text("routeId") ?? "", detail.Text("modelClass") ?? "");
            case Wire.UiTextDelta: return new TurnEvent.Text(json.Text("delta") ?? "");
            case Wire.UiReasoningDelta: return new TurnEvent.Reasoning(json.Text("delta") ?? "");
            case Wire.ToolInputAvailable or Wire.UiToolInputError:
                return new TurnEvent.ToolCalled(
                    json.Text("toolCallId") ?? "", json.Text("toolName") ?? "", json.Field("input")?.GetRawText() ?? "{}");
            case Wire.UiToolOutput: return new TurnEvent.ToolAnswered(
                json.Text("toolCallId") ?? "", json.Field("output")?.Clone() ?? default);
            case Wire.ToolOutputError: return new TurnEvent.ToolFailed(json.Text("toolCallId") ?? "", json.Text("errorText") ?? "");
            case Wire.UiBackpressure: return new TurnEvent.Backpressure(
                detail.Text("toolName") ?? "", detail.Text("reason") ?? "", (int?)detail.Number("retryAfterMs"));
            case Wire.UiErrorDetail:
                _errorDetail = detail.Clone();
                return null;
            case Wire.Error: return new TurnEvent.Failed(
                _errorDetail?.Text("code") ?? "error", json.Text("errorText") ?? "", (int?)_errorDetail?.Number("retryAfterMs"));
            case Wire.UiAbort: return new TurnEvent.Stopped();
            case Wire.UiFinish: return json.Field("messageMetadata") is { } metadata
                ? JsonFields.Usage(metadata.Field("usage"), metadata.Field("metrics"))
                : null;
            default: return null;
        }
    }
}
