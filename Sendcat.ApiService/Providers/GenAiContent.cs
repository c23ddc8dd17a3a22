using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Providers;

/// <summary>
/// Whether the messages of users and models are recorded on spans. The environment variable
/// <c>OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true</c> turns this on; the default is off. When it is on, everyone with access to
/// the telemetry can read the conversations. See docs/telemetry.md.
/// </summary>
internal sealed record ContentCapture(bool IsOn)
{
    public const string Variable = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

    public static readonly ContentCapture Off = new(false);

    public static ContentCapture From(IConfiguration configuration) =>
        new(bool.TryParse(configuration[Variable]?.Trim(), out var on) && on);
}

/// <summary>
/// Builds the content attributes of the GenAI semantic conventions, as the JSON that their schemas describe. The size is bounded: long
/// texts are truncated, and a long conversation is reduced to its newest messages.
/// </summary>
internal static class GenAiContent
{
    /// <summary>Maximum characters of one text; the rest is truncated.</summary>
    public const int MaxTextLength = 8_192;

    /// <summary>Maximum characters of all messages of one attribute; older messages are dropped.</summary>
    public const int MaxTotalTextLength = 65_536;

    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true,
    };

    public static string Cut(string text) =>
        TextLimit.Cut(text, MaxTextLength) is var start && start.Length == text.Length
            ? text
            : $"{start}… ({text.Length - start.Length} more characters)";

    public static string Instructions(IReadOnlyList<string> prompts) => Write(json =>
    {
        foreach (var prompt in prompts)
        {
            Part(json, "text", prompt);
        }
    });

    public static string Tools(IReadOnlyList<ToolDeclaration> tools) => Write(json =>
    {
        foreach (var tool in tools)
        {
            json.WriteStartObject();
            json.WriteString("type", "function");
            json.WriteString("name", tool.Name);
            json.WriteString("description", tool.Description);
            json.WritePropertyName("parameters");
            json.WriteRawValue(tool.ParametersJson);
            json.WriteEndObject();
        }
    });

    public static string Input(IReadOnlyList<ProviderMessage> messages) => Write(json =>
    {
        foreach (var message in Newest(messages))
        {
            json.WriteStartObject();
            json.WriteString("role", message.Role);
            json.WriteStartArray("parts");
            if (message.ToolCallId is { } respondedCallId)
            {
                json.WriteStartObject();
                json.WriteString("type", "tool_call_response");
                json.WriteString("id", respondedCallId);
                json.WriteString("response", Cut(message.Content ?? ""));
                json.WriteEndObject();
            }
            else if (!string.IsNullOrEmpty(message.Content))
            {
                Part(json, "text", message.Content);
            }

            foreach (var attachment in message.Attachments)
            {
                Part(json, attachment);
            }

            foreach (var call in message.ToolCalls)
            {
                Part(json, call);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }
    });

    public static string Output(string text, string reasoning, IReadOnlyList<ProviderToolCall> calls, string finishReason) => Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("role", "assistant");
        json.WriteStartArray("parts");
        if (reasoning.Length > 0)
        {
            Part(json, "reasoning", reasoning);
        }

        if (text.Length > 0)
        {
            Part(json, "text", text);
        }

        foreach (var call in calls)
        {
            Part(json, call);
        }

        json.WriteEndArray();
        // The schema has "tool_call"; providers send "tool_calls".
        json.WriteString("finish_reason", finishReason == "tool_calls" ? "tool_call" : finishReason);
        json.WriteEndObject();
    });

    /// <summary>The newest messages whose texts fit into <see cref="MaxTotalTextLength"/>.</summary>
    private static IEnumerable<ProviderMessage> Newest(IReadOnlyList<ProviderMessage> messages)
    {
        var (first, characters) = (messages.Count, 0);
        while (first > 0 && (characters += Math.Min(MaxTextLength, messages[first - 1].Content?.Length ?? 0)) <= MaxTotalTextLength)
        {
            first--;
        }

        return messages.Skip(first);
    }

    private static void Part(Utf8JsonWriter json, string type, string content)
    {
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteString("content", Cut(content));
        json.WriteEndObject();
    }

    private static void Part(Utf8JsonWriter json, ProviderToolCall call)
    {
        json.WriteStartObject();
        json.WriteString("type", "tool_call");
        json.WriteString("id", call.Id);
        json.WriteString("name", call.Name);
        json.WriteString("arguments", Cut(call.ArgumentsJson));
        json.WriteEndObject();
    }

    /// <summary>The content of an inline file (a <c>data:</c> URL) is replaced by its length.</summary>
    private static void Part(Utf8JsonWriter json, ProviderAttachment attachment)
    {
        json.WriteStartObject();
        json.WriteString("type", "uri");
        json.WriteString("modality", attachment.MediaType.Split('/')[0]);
        json.WriteString("mime_type", attachment.MediaType);
        json.WriteString(
            "uri",
            attachment.Url is null ? $"attachment: ({attachment.Size} bytes)"
            : attachment.Url.StartsWith("data:", StringComparison.OrdinalIgnoreCase) ? $"data: ({attachment.Url.Length} characters)"
            : Cut(attachment.Url));
        json.WriteEndObject();
    }

    private static string Write(Action<Utf8JsonWriter> items)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Options))
        {
            json.WriteStartArray();
            items(json);
            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }
}
