using System.Text.Json;

namespace Sendcat.Monitor.Chat;

/// <summary>The Sendcat dialect of docs/chat-protocol.md.</summary>
internal sealed class SendcatTurnDialect : TurnDialect
{
    public override bool StoresMessageFirst => true;

    public override object Request(TurnInput input) => new { input.ThreadId, input.SessionId, input.ModelId, input.WebSearch };

    public override TurnEvent? Read(string data)
    {
        using var document = JsonDocument.Parse(data);
        var json = document.RootElement;
        return json.Text("type") switch
        {
            Wire.Start => new TurnEvent.Started(json.Text("messageId"), json.Text("streamId")),
            Wire.ProviderRoute => new TurnEvent.Route(json.Text("routeId") ?? "", json.Text("modelClass") ?? ""),
            Wire.Content => new TurnEvent.Text(json.Text("content") ?? ""),
            Wire.Reasoning => new TurnEvent.Reasoning(json.Text("content") ?? ""),
            Wire.ToolInputAvailable => new TurnEvent.ToolCalled(
                json.Text("toolCallId") ?? "", json.Text("toolName") ?? "", json.Field("input")?.GetRawText() ?? "{}"),
            Wire.ToolOutputPartial => new TurnEvent.ToolAnswered(json.Text("toolCallId") ?? "", json.Field("output")?.Clone() ?? default),
            Wire.ToolOutputError => new TurnEvent.ToolFailed(json.Text("toolCallId") ?? "", json.Text("errorText") ?? ""),
            Wire.ToolBackpressure =>
                new TurnEvent.Backpressure(json.Text("toolName") ?? "", json.Text("reason") ?? "", (int?)json.Number("retryAfterMs")),
            Wire.Usage => JsonFields.Usage(json.Field("usage"), json.Field("metrics")),
            Wire.Error => new TurnEvent.Failed(json.Text("code") ?? "error", json.Text("error") ?? "", (int?)json.Number("retryAfterMs")),
            Wire.Aborted => new TurnEvent.Stopped(),
            Wire.Done => new TurnEvent.Done(),
            _ => null,
        };
    }
}
