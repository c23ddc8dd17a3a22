using System.Buffers;

namespace Sendcat.ApiService.Chat.Streaming;

/// <summary>
/// The dialect of Sendcat's own client, with the event types and fields of docs/chat-protocol.md. There is no end marker: the stream ends
/// when the connection closes.
/// </summary>
internal sealed class SendcatDialect : EventDialect
{
    private readonly Dictionary<string, ArgumentsText> _arguments = [];

    public override void Write(IBufferWriter<byte> output, ChatEvent chatEvent)
    {
        switch (chatEvent)
        {
            case ChatEvent.Content content:
                Data(output, content, static (json, e) =>
                {
                    json.WriteString("type"u8, "content"u8);
                    json.WriteString("content"u8, e.Text);
                });
                break;
            case ChatEvent.Reasoning reasoning:
                Data(output, reasoning, static (json, e) =>
                {
                    json.WriteString("type"u8, "reasoning"u8);
                    json.WriteString("content"u8, e.Text);
                });
                break;
            case ChatEvent.Start start:
                Data(output, start, static (json, e) =>
                {
                    json.WriteString("type"u8, "start"u8);
                    json.WriteString("messageId"u8, e.MessageId);
                    json.WriteString("streamId"u8, e.StreamId);
                    json.WriteString("threadId"u8, e.ThreadId);
                });
                break;
            case ChatEvent.ProviderRoute route:
                Data(output, route, static (json, e) =>
                {
                    json.WriteString("type"u8, "provider-route"u8);
                    json.WriteString("providerId"u8, e.ProviderId);
                    json.WriteString("routeId"u8, e.RouteId);
                    json.WriteString("modelClass"u8, e.ModelClass);
                });
                break;
            case ChatEvent.AttachmentSkipped skipped:
                Data(output, skipped, static (json, e) =>
                {
                    json.WriteString("type"u8, "attachment-skipped"u8);
                    WriteAttachment(json, e);
                });
                break;
            case ChatEvent.ToolInputStart or ChatEvent.ToolInputDelta or ChatEvent.ToolInputAvailable or ChatEvent.ToolOutputPartial
                or ChatEvent.ToolOutput or ChatEvent.ToolBackpressure:
                WriteTool(output, chatEvent);
                break;
            case ChatEvent.Usage usage:
                WriteUnwrittenArguments(output);
                Data(output, usage, static (json, e) =>
                {
                    json.WriteString("type"u8, "usage"u8);
                    json.WritePropertyName("usage"u8);
                    UsageJson.WriteTokens(json, e.Tokens);
                    json.WritePropertyName("metrics"u8);
                    UsageJson.WriteMetrics(json, e.Metrics);
                });
                break;
            case ChatEvent.Error error:
                WriteUnwrittenArguments(output);
                WriteError(output, error);
                break;
            case ChatEvent.Aborted:
                WriteUnwrittenArguments(output);
                Data(output, chatEvent, static (json, _) => json.WriteString("type"u8, "aborted"u8));
                break;
            case ChatEvent.Done:
                Data(output, chatEvent, static (json, _) => json.WriteString("type"u8, "done"u8));
                break;
        }
    }

    private void WriteTool(IBufferWriter<byte> output, ChatEvent chatEvent)
    {
        switch (chatEvent)
        {
            case ChatEvent.ToolInputStart start:
                Data(output, start, static (json, e) =>
                {
                    json.WriteString("type"u8, "tool-input-start"u8);
                    json.WriteString("toolCallId"u8, e.ToolCallId);
                    json.WriteString("toolName"u8, e.ToolName);
                    json.WriteString("state"u8, "streaming"u8);
                });
                break;
            case ChatEvent.ToolInputDelta delta:
                if (!_arguments.TryGetValue(delta.ToolCallId, out var soFar))
                {
                    _arguments[delta.ToolCallId] = soFar = new ArgumentsText();
                }

                if (soFar.Append(delta.Delta))
                {
                    WriteArguments(output, delta.ToolCallId, soFar);
                }

                break;
            case ChatEvent.ToolInputAvailable input:
                if (_arguments.Remove(input.ToolCallId, out var rest) && rest.HasUnwritten)
                {
                    WriteArguments(output, input.ToolCallId, rest);
                }

                Data(output, input, static (json, e) =>
                {
                    json.WriteString("type"u8, "tool-input-available"u8);
                    json.WriteString("toolCallId"u8, e.ToolCallId);
                    json.WriteString("toolName"u8, e.ToolName);
                    json.WritePropertyName("input"u8);
                    WriteJson(json, e.Valid ? e.InputJson : "{}", otherwise: "{}");
                    json.WriteString("state"u8, "completed"u8);
                });
                break;
            case ChatEvent.ToolOutputPartial partial:
                Data(output, partial, static (json, e) =>
                {
                    json.WriteString("type"u8, "tool-output-partially-available"u8);
                    json.WriteString("toolCallId"u8, e.ToolCallId);
                    json.WritePropertyName("output"u8);
                    WriteJson(json, e.OutputJson, otherwise: "[]");
                });
                break;
            case ChatEvent.ToolOutput result:
                WriteToolOutput(output, result);
                break;
            case ChatEvent.ToolBackpressure pressure:
                Data(output, pressure, static (json, e) =>
                {
                    json.WriteString("type"u8, "tool-backpressure"u8);
                    json.WriteString("toolCallId"u8, e.ToolCallId);
                    json.WriteString("toolName"u8, e.ToolName);
                    json.WriteString("reason"u8, e.Reason);
                    json.WriteBoolean("retryable"u8, e.Retryable);
                    if (e.RetryAfterMs is { } wait)
                    {
                        json.WriteNumber("retryAfterMs"u8, wait);
                    }
                });
                break;
        }
    }

    /// <summary>Writes the arguments that are not written yet: no tool call gets further arguments.</summary>
    private void WriteUnwrittenArguments(IBufferWriter<byte> output)
    {
        foreach (var (toolCallId, text) in _arguments)
        {
            if (text.HasUnwritten)
            {
                WriteArguments(output, toolCallId, text);
            }
        }

        _arguments.Clear();
    }

    private static void WriteArguments(IBufferWriter<byte> output, string toolCallId, ArgumentsText text)
    {
        var (delta, snapshot) = text.Take();
        Data(output, (toolCallId, delta, snapshot), static (json, e) =>
        {
            json.WriteString("type"u8, "tool-input-delta"u8);
            json.WriteString("toolCallId"u8, e.toolCallId);
            json.WriteString("inputTextDelta"u8, e.delta);
            json.WriteString("argsSnapshot"u8, e.snapshot);
        });
    }

    private static void WriteError(IBufferWriter<byte> output, ChatEvent.Error error)
    {
        if (error.Metrics is not null)
        {
            Data(output, error, static (json, e) =>
            {
                json.WriteString("type"u8, "usage_error"u8);
                json.WriteString("error"u8, e.Message);
                json.WriteString("code"u8, e.Code);
                json.WriteStartObject("metrics"u8);
                json.WriteNumber("latencyMs"u8, e.Metrics!.LatencyMs);
                json.WriteString("modelId"u8, e.Metrics.ModelId);
                json.WriteEndObject();
            });
        }

        Data(output, error, static (json, e) =>
        {
            json.WriteString("type"u8, "error"u8);
            json.WriteString("error"u8, e.Message);
            json.WriteString("code"u8, e.Code);
            if (e.RetryAfterMs is { } wait)
            {
                json.WriteNumber("retryAfterMs"u8, wait);
            }
        });
    }
}
