using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>Writes the request body of one model call for the provider's <c>/chat/completions</c>.</summary>
internal static class ChatRequestBody
{
    /// <summary>Relaxed escaping is safe here: only a JSON parser reads the body, never a browser.</summary>
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true,
    };

    /// <param name="nativeTools">True: tools are declared. False: the prompts describe them.</param>
    /// <param name="prompts">System prompts; they are written before the messages.</param>
    /// <param name="openFile">Opens a file by its key. It is called when the body is sent, so that files are never held in memory.</param>
    public static PooledBody Write(
        ProviderRequest request, string model, bool nativeTools, IReadOnlyList<string> prompts,
        Func<string, CancellationToken, Task<Stream>>? openFile = null)
    {
        var body = new PooledBody(openFile);
        using var json = new Utf8JsonWriter(body, Options);
        json.WriteStartObject();
        json.WriteString("model"u8, model);
        json.WriteBoolean("stream"u8, true);
        if (request.MaxOutputTokens is { } most)
        {
            json.WriteNumber("max_tokens"u8, most);
        }

        json.WriteStartObject("usage"u8);
        json.WriteBoolean("include"u8, true);
        json.WriteEndObject();
        json.WriteStartArray("messages"u8);
        foreach (var prompt in prompts)
        {
            WriteMessage(json, body, new ProviderMessage("system", prompt));
        }

        foreach (var message in request.Messages)
        {
            WriteMessage(json, body, message);
        }

        json.WriteEndArray();
        if (nativeTools && request.Tools.Count > 0)
        {
            WriteTools(json, request);
        }

        json.WriteEndObject();
        return body;
    }

    private static void WriteTools(Utf8JsonWriter json, ProviderRequest request)
    {
        json.WriteStartArray("tools"u8);
        foreach (var tool in request.Tools)
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "function"u8);
            json.WriteStartObject("function"u8);
            json.WriteString("name"u8, tool.Name);
            json.WriteString("description"u8, tool.Description);
            json.WritePropertyName("parameters"u8);
            json.WriteRawValue(tool.ParametersJson);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("tool_choice"u8, request.ToolsAllowed ? "auto"u8 : "none"u8);
        json.WriteBoolean("parallel_tool_calls"u8, false);
    }

    private static void WriteMessage(Utf8JsonWriter json, PooledBody body, ProviderMessage message)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, message.Role);
        if (message.Attachments.Count > 0)
        {
            WriteParts(json, body, message);
        }
        else if (message.ToolCalls.Count > 0 && string.IsNullOrEmpty(message.Content))
        {
            json.WriteNull("content"u8);
        }
        else
        {
            json.WriteString("content"u8, message.Content ?? "");
        }

        if (message.ToolCallId is { } toolCallId)
        {
            json.WriteString("tool_call_id"u8, toolCallId);
        }

        if (message.Name is { } name)
        {
            json.WriteString("name"u8, name);
        }

        if (message.ToolCalls.Count > 0)
        {
            WriteToolCalls(json, message.ToolCalls);
        }

        if (message.ReasoningDetailsJson is { Length: > 0 } details)
        {
            json.WritePropertyName("reasoning_details"u8);
            json.WriteRawValue(details);
        }

        json.WriteEndObject();
    }

    private static void WriteToolCalls(Utf8JsonWriter json, IReadOnlyList<ProviderToolCall> calls)
    {
        json.WriteStartArray("tool_calls"u8);
        foreach (var call in calls)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, call.Id);
            json.WriteString("type"u8, "function"u8);
            json.WriteStartObject("function"u8);
            json.WriteString("name"u8, call.Name);
            json.WriteString("arguments"u8, call.ArgumentsJson);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Writes the text, if there is any, then images as <c>image_url</c> and all other attachments as <c>file</c>.</summary>
    private static void WriteParts(Utf8JsonWriter json, PooledBody body, ProviderMessage message)
    {
        json.WriteStartArray("content"u8);
        if (!string.IsNullOrWhiteSpace(message.Content))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "text"u8);
            json.WriteString("text"u8, message.Content);
            json.WriteEndObject();
        }

        foreach (var attachment in message.Attachments)
        {
            json.WriteStartObject();
            if (attachment.MediaType.StartsWith("image/", StringComparison.OrdinalIgnoreCase))
            {
                json.WriteString("type"u8, "image_url"u8);
                json.WriteStartObject("image_url"u8);
                WriteContent(json, body, "url"u8, attachment);
            }
            else
            {
                json.WriteString("type"u8, "file"u8);
                json.WriteStartObject("file"u8);
                json.WriteString("filename"u8, attachment.Name);
                WriteContent(json, body, "file_data"u8, attachment);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>
    /// Writes the address of a file; for a file of the store, a <c>data:</c> address whose content follows when the body is sent.
    /// </summary>
    private static void WriteContent(Utf8JsonWriter json, PooledBody body, ReadOnlySpan<byte> name, ProviderAttachment attachment)
    {
        if (attachment.Key is not { } key)
        {
            json.WriteString(name, attachment.Url);
            return;
        }

        json.WriteString(name, $"data:{attachment.MediaType};base64,");
        json.Flush();
        body.InsertFile(beforeEnd: 1, key, attachment.Size);
    }
}
