using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sendcat.ApiService.Chat.Streaming;

/// <summary>
/// Writes one turn's events as server-sent events. An instance belongs to one connection and starts with the turn's first event.
/// </summary>
internal abstract class EventDialect
{
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true,
    };

    [ThreadStatic]
    private static Utf8JsonWriter? _scratch;

    /// <summary>A comment. Clients ignore it; proxies count it as traffic and keep the connection open.</summary>
    public static ReadOnlySpan<byte> KeepAlive => ": ping\n\n"u8;

    public abstract void Write(IBufferWriter<byte> output, ChatEvent chatEvent);

    /// <summary>Adds the headers of this dialect to the response.</summary>
    public virtual void Describe(HttpResponse response)
    {
    }

    /// <summary>One <c>data:</c> event holding one JSON object.</summary>
    protected static void Data<T>(IBufferWriter<byte> output, T value, Action<Utf8JsonWriter, T> properties)
    {
        output.Write("data: "u8);
        var json = _scratch ??= new Utf8JsonWriter(output, Options);
        json.Reset(output);
        json.WriteStartObject();
        properties(json, value);
        json.WriteEndObject();
        json.Flush();
        output.Write("\n\n"u8);
    }

    /// <summary>The end of a tool call; both dialects write the same event.</summary>
    protected static void WriteToolOutput(IBufferWriter<byte> output, ChatEvent.ToolOutput result) =>
        Data(output, result, static (json, e) =>
        {
            json.WriteString("type"u8, e.Failed ? "tool-output-error"u8 : "tool-output-available"u8);
            json.WriteString("toolCallId"u8, e.ToolCallId);
            if (e.Failed)
            {
                json.WriteString("errorText"u8, e.Text);
            }
            else if (e.OutputJson is null)
            {
                json.WriteString("output"u8, e.Text);
            }
            else
            {
                json.WriteStartObject("output"u8);
                json.WritePropertyName("results"u8);
                WriteJson(json, e.OutputJson, otherwise: "[]");
                json.WriteString("text"u8, e.Text);
                json.WriteEndObject();
            }
        });

    /// <summary>Writes the fields of an attachment that is not sent to the model, which both dialects have.</summary>
    protected static void WriteAttachment(Utf8JsonWriter json, ChatEvent.AttachmentSkipped skipped)
    {
        if (skipped.StorageId is { } id)
        {
            json.WriteString("storageId"u8, id);
        }

        json.WriteString("name"u8, skipped.Name);
        json.WriteString("mediaType"u8, skipped.MediaType);
        json.WriteString("reason"u8, skipped.Reason);
    }

    /// <summary>Writes JSON text in one line; <paramref name="otherwise"/> if the text is not valid JSON.</summary>
    protected static void WriteJson(Utf8JsonWriter json, string text, string otherwise) =>
        json.WriteRawValue(OneLineJson.Of(text) ?? otherwise, skipInputValidation: true);
}
