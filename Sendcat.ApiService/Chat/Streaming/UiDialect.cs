using System.Buffers;
using System.Text.Json;
using Sendcat.ApiService.Http;
using Sendcat.Integrations.Tools;

namespace Sendcat.ApiService.Chat.Streaming;

/// <summary>
/// The UI message stream of the Vercel AI SDK, version 1, in the subset that the <c>ai</c> package accepts in versions 5, 6 and 7: no
/// unknown types, no nulls, deltas only inside an open block, blocks closed before their step ends.
/// </summary>
internal sealed class UiDialect : EventDialect
{
    private readonly Dictionary<string, string> _toolsStarted = [];
    private ChatEvent.Usage? _totalUsage;
    private string? _openBlock;
    private bool _openIsText;
    private bool _started;
    private int _step;
    private int _block;

    public override void Describe(HttpResponse response) => response.Headers["x-vercel-ai-ui-message-stream"] = "v1";

    public override void Write(IBufferWriter<byte> output, ChatEvent chatEvent)
    {
        switch (chatEvent)
        {
            case ChatEvent.Start start:
                WriteStart(output, start);
                break;
            case ChatEvent.ProviderRoute route:
                WriteRoute(output, route);
                break;
            case ChatEvent.AttachmentSkipped skipped:
                Data(output, skipped, static (json, e) =>
                {
                    json.WriteString("type"u8, "data-attachment-skipped"u8);
                    json.WriteStartObject("data"u8);
                    WriteAttachment(json, e);
                    json.WriteEndObject();
                });
                break;
            case ChatEvent.Content content:
                WriteDelta(output, text: true, content.Text);
                break;
            case ChatEvent.Reasoning reasoning:
                WriteDelta(output, text: false, reasoning.Text);
                break;
            case ChatEvent.ToolInputStart tool:
                CloseBlock(output);
                StartTool(output, tool.ToolCallId, tool.ToolName);
                break;
            case ChatEvent.ToolInputDelta delta:
                Data(output, delta, static (json, e) =>
                {
                    json.WriteString("type"u8, "tool-input-delta"u8);
                    json.WriteString("toolCallId"u8, e.ToolCallId);
                    json.WriteString("inputTextDelta"u8, e.Delta);
                });
                break;
            case ChatEvent.ToolInputAvailable input:
                CloseBlock(output);
                WriteToolInput(output, input);
                break;
            case ChatEvent.ToolOutputPartial partial:
                WritePartialOutput(output, partial);
                break;
            case ChatEvent.ToolOutput result:
                WriteToolOutput(output, result);
                break;
            case ChatEvent.ToolBackpressure pressure:
                WriteBackpressure(output, pressure);
                break;
            case ChatEvent.Usage usage:
                _totalUsage = usage.After(_totalUsage);
                Data(output, _totalUsage, static (json, e) =>
                {
                    json.WriteString("type"u8, "message-metadata"u8);
                    json.WriteStartObject("messageMetadata"u8);
                    WriteUsage(json, e);
                    json.WriteEndObject();
                });
                break;
            case ChatEvent.Error error:
                WriteError(output, error);
                break;
            case ChatEvent.Aborted:
                CloseBlock(output);
                WriteStatus(output, "aborted");
                WriteTypeOnly(output, "abort");
                output.Write("data: [DONE]\n\n"u8);
                break;
            case ChatEvent.Done done:
                Finish(output, FinishReason(done.FinishReason), "completed");
                break;
        }
    }

    private void WriteStart(IBufferWriter<byte> output, ChatEvent.Start start)
    {
        CloseBlock(output);
        _step = start.Step;
        _block = 0;
        if (!_started)
        {
            _started = true;
            Data(output, start, static (json, e) =>
            {
                json.WriteString("type"u8, "start"u8);
                json.WriteString("messageId"u8, e.MessageId);
                json.WriteStartObject("messageMetadata"u8);
                json.WriteString("streamId"u8, e.StreamId);
                json.WriteString("threadId"u8, e.ThreadId);
                json.WriteString("createdAt"u8, UtcTime.Text(e.CreatedAt));
                json.WriteEndObject();
            });
            WriteTypeOnly(output, "start-step");
            return;
        }

        WriteTypeOnly(output, "finish-step");
        WriteTypeOnly(output, "start-step");
        Data(output, start, static (json, e) =>
        {
            json.WriteString("type"u8, "data-step"u8);
            json.WriteString("id"u8, $"step-{e.Step}");
            json.WriteStartObject("data"u8);
            json.WriteNumber("index"u8, e.Step);
            json.WriteString("messageId"u8, e.MessageId);
            json.WriteEndObject();
        });
    }

    private static void WriteRoute(IBufferWriter<byte> output, ChatEvent.ProviderRoute route) =>
        Data(output, route, static (json, e) =>
        {
            json.WriteString("type"u8, "data-provider-route"u8);
            json.WriteString("id"u8, $"route-{e.Step}");
            json.WriteStartObject("data"u8);
            json.WriteString("providerId"u8, e.ProviderId);
            json.WriteString("routeId"u8, e.RouteId);
            json.WriteString("modelClass"u8, e.ModelClass);
            json.WriteString("model"u8, e.Model);
            json.WriteNumber("step"u8, e.Step);
            json.WriteEndObject();
        });

    private void WriteDelta(IBufferWriter<byte> output, bool text, string delta)
    {
        if (_openBlock is null || _openIsText != text)
        {
            CloseBlock(output);
            _openBlock = $"{(text ? 't' : 'r')}{_step}-{_block++}";
            _openIsText = text;
            WriteBlockEvent(output, text ? "text-start" : "reasoning-start", _openBlock);
        }

        Data(output, (type: text ? "text-delta" : "reasoning-delta", id: _openBlock, delta), static (json, e) =>
        {
            json.WriteString("type"u8, e.type);
            json.WriteString("id"u8, e.id);
            json.WriteString("delta"u8, e.delta);
        });
    }

    private void StartTool(IBufferWriter<byte> output, string id, string name)
    {
        if (_toolsStarted.TryAdd(id, name))
        {
            Data(output, (id, name), static (json, e) =>
            {
                json.WriteString("type"u8, "tool-input-start"u8);
                json.WriteString("toolCallId"u8, e.id);
                json.WriteString("toolName"u8, e.name);
            });
        }
    }

    private void WriteToolInput(IBufferWriter<byte> output, ChatEvent.ToolInputAvailable input)
    {
        StartTool(output, input.ToolCallId, input.ToolName);
        Data(output, input, static (json, e) =>
        {
            json.WriteString("type"u8, e.Valid ? "tool-input-available"u8 : "tool-input-error"u8);
            json.WriteString("toolCallId"u8, e.ToolCallId);
            json.WriteString("toolName"u8, e.ToolName);
            json.WritePropertyName("input"u8);
            if (e.Valid)
            {
                WriteJson(json, e.InputJson, otherwise: "{}");
            }
            else
            {
                json.WriteStringValue(e.InputJson);
                json.WriteString("errorText"u8, "The model wrote arguments that are not a JSON object."u8);
            }
        });
    }

    private void WritePartialOutput(IBufferWriter<byte> output, ChatEvent.ToolOutputPartial partial)
    {
        Data(output, partial, static (json, e) =>
        {
            json.WriteString("type"u8, "tool-output-available"u8);
            json.WriteString("toolCallId"u8, e.ToolCallId);
            json.WritePropertyName("output"u8);
            WriteJson(json, e.OutputJson, otherwise: "[]");
            json.WriteBoolean("preliminary"u8, true);
        });
        if (_toolsStarted.GetValueOrDefault(partial.ToolCallId) == QueuedTool.SearchWeb.Name)
        {
            foreach (var source in UiSource.Of(partial))
            {
                Data(output, source, static (json, e) =>
                {
                    json.WriteString("type"u8, "source-url"u8);
                    json.WriteString("sourceId"u8, e.Id);
                    json.WriteString("url"u8, e.Url);
                    json.WriteString("title"u8, e.Title);
                });
            }
        }
    }

    private static void WriteBackpressure(IBufferWriter<byte> output, ChatEvent.ToolBackpressure pressure) =>
        Data(output, pressure, static (json, e) =>
        {
            json.WriteString("type"u8, "data-tool-backpressure"u8);
            json.WriteBoolean("transient"u8, true);
            json.WriteStartObject("data"u8);
            json.WriteString("toolCallId"u8, e.ToolCallId);
            json.WriteString("toolName"u8, e.ToolName);
            json.WriteString("reason"u8, e.Reason);
            json.WriteBoolean("retryable"u8, e.Retryable);
            if (e.RetryAfterMs is { } wait)
            {
                json.WriteNumber("retryAfterMs"u8, wait);
            }

            json.WriteEndObject();
        });

    private void WriteError(IBufferWriter<byte> output, ChatEvent.Error error)
    {
        CloseBlock(output);
        Data(output, error, static (json, e) =>
        {
            json.WriteString("type"u8, "data-error"u8);
            json.WriteStartObject("data"u8);
            json.WriteString("code"u8, e.Code);
            json.WriteBoolean("retryable"u8, e.Retryable);
            if (e.RetryAfterMs is { } wait)
            {
                json.WriteNumber("retryAfterMs"u8, wait);
            }

            if (e.RouteId is not null)
            {
                json.WriteString("routeId"u8, e.RouteId);
            }

            json.WriteEndObject();
        });
        // A client reads nothing after the error.
        WriteStatus(output, "error");
        Data(output, error, static (json, e) =>
        {
            json.WriteString("type"u8, "error"u8);
            json.WriteString("errorText"u8, e.Message);
        });
        Finish(output, "error", "error");
    }

    private void Finish(IBufferWriter<byte> output, string reason, string status)
    {
        CloseBlock(output);
        WriteTypeOnly(output, "finish-step");
        Data(output, (reason, status, usage: _totalUsage), static (json, e) =>
        {
            json.WriteString("type"u8, "finish"u8);
            json.WriteString("finishReason"u8, e.reason);
            json.WriteStartObject("messageMetadata"u8);
            json.WriteString("status"u8, e.status);
            if (e.usage is { } usage)
            {
                WriteUsage(json, usage);
            }

            json.WriteEndObject();
        });
        output.Write("data: [DONE]\n\n"u8);
    }

    /// <summary>The status that the stored answer has, as the history of the chat shows it.</summary>
    private static void WriteStatus(IBufferWriter<byte> output, string status) =>
        Data(output, status, static (json, e) =>
        {
            json.WriteString("type"u8, "message-metadata"u8);
            json.WriteStartObject("messageMetadata"u8);
            json.WriteString("status"u8, e);
            json.WriteEndObject();
        });

    private static void WriteUsage(Utf8JsonWriter json, ChatEvent.Usage usage)
    {
        if (usage.Tokens is not null)
        {
            json.WritePropertyName("usage"u8);
            UsageJson.WriteTokens(json, usage.Tokens);
        }

        json.WritePropertyName("metrics"u8);
        UsageJson.WriteMetrics(json, usage.Metrics);
    }

    private void CloseBlock(IBufferWriter<byte> output)
    {
        if (_openBlock is { } id)
        {
            WriteBlockEvent(output, _openIsText ? "text-end" : "reasoning-end", id);
            _openBlock = null;
        }
    }

    private static void WriteBlockEvent(IBufferWriter<byte> output, string type, string id) =>
        Data(output, (type, id), static (json, e) =>
        {
            json.WriteString("type"u8, e.type);
            json.WriteString("id"u8, e.id);
        });

    private static void WriteTypeOnly(IBufferWriter<byte> output, string type) =>
        Data(output, type, static (json, e) => json.WriteString("type"u8, e));

    private static string FinishReason(string provider) => provider switch
    {
        "stop" or "length" or "error" => provider,
        "content_filter" => "content-filter",
        "tool_calls" => "tool-calls",
        _ => "other",
    };
}
