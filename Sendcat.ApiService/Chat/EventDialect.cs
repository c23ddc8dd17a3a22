using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sendcat.ApiService.Chat;

/// <summary>Writes one turn's events as server-sent events. An instance belongs to one connection and starts with the turn's first event.</summary>
internal abstract class EventDialect
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    [ThreadStatic]
    private static Utf8JsonWriter? scratch;

    /// <summary>A comment: no client shows it, every proxy counts it as life.</summary>
    public static ReadOnlySpan<byte> KeepAlive => ": ping\n\n"u8;

    public abstract void Write(IBufferWriter<byte> output, ChatEvent happened);

    /// <summary>Headers that this dialect adds to the response.</summary>
    public virtual void Describe(HttpResponse response)
    {
    }

    /// <summary>One <c>data:</c> event holding one JSON object.</summary>
    protected static void Data<T>(IBufferWriter<byte> output, T value, Action<Utf8JsonWriter, T> properties)
    {
        output.Write("data: "u8);
        var json = scratch ??= new Utf8JsonWriter(output, Options);
        json.Reset(output);
        json.WriteStartObject();
        properties(json, value);
        json.WriteEndObject();
        json.Flush();
        output.Write("\n\n"u8);
    }

    /// <summary>Writes text that is JSON already, in one line; <paramref name="otherwise"/> when it is none.</summary>
    protected static void WriteJson(Utf8JsonWriter json, string text, string otherwise) => json.WriteRawValue(OneLineJson.Of(text) ?? otherwise, skipInputValidation: true);
}
