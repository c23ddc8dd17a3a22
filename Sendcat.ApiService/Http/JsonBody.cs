using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Net.Http.Headers;

namespace Sendcat.ApiService.Http;

/// <summary>Reads a JSON body and classifies everything that can be wrong with it, in this order: media type, size, JSON, schema.</summary>
internal static class JsonBody
{
    /// <summary>What an ordinary request may carry: 64 KiB.</summary>
    public const int OrdinaryLimit = 65_536;

    /// <param name="limitBytes">Counted on the wire, whether the length was announced or the body came in chunks.</param>
    public static ValueTask<Outcome<T>> ReadAsync<T>(HttpContext http, int limitBytes, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class => ReadAsync(http, limitBytes, type, _ => limitBytes, cancellationToken);

    /// <param name="limitOf">The limit of this very body, at most <paramref name="limitBytes"/>: some shapes may be longer than others. Null: the body could not be read, its shape is not known.</param>
    public static async ValueTask<Outcome<T>> ReadAsync<T>(HttpContext http, int limitBytes, JsonTypeInfo<T> type, Func<T?, int> limitOf, CancellationToken cancellationToken)
        where T : class
    {
        if (!IsJson(http.Request.ContentType))
        {
            return ApiError.UnsupportedMediaType();
        }

        if (http.Request.ContentLength > limitBytes)
        {
            return ApiError.PayloadTooLarge(limitBytes);
        }

        var reader = http.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            if (read.Buffer.Length > limitBytes)
            {
                reader.AdvanceTo(read.Buffer.End);
                return ApiError.PayloadTooLarge(limitBytes);
            }

            if (read.IsCompleted)
            {
                var outcome = Parse(read.Buffer, type, out var body);
                var limit = limitOf(body);
                var tooLarge = read.Buffer.Length > limit;
                reader.AdvanceTo(read.Buffer.End);
                return tooLarge ? ApiError.PayloadTooLarge(limit) : outcome;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>Parsed, not searched: <c>text/plain; note=application/json</c> is not JSON, and neither is a JSON body in another charset than UTF-8.</summary>
    private static bool IsJson(string? contentType)
    {
        if (string.Equals(contentType, "application/json", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        return MediaTypeHeaderValue.TryParse(contentType, out var media)
            && media.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            && (media.Charset.Length == 0 || media.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || media.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase));
    }

    /// <param name="value">Also what breaks its own rules; null for what is no such value.</param>
    private static Outcome<T> Parse<T>(ReadOnlySequence<byte> body, JsonTypeInfo<T> type, out T? value)
        where T : class
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            value = JsonSerializer.Deserialize(ref reader, type);
            // Reading on finds what follows the first value; anything but white space there is a syntax error.
            reader.Read();
            return value switch
            {
                null => ApiError.InvalidRequest("The body must be a JSON object"),
                IValidatable { } request when string.Join(", ", request.Problems()) is { Length: > 0 } problems => ApiError.InvalidRequest($"Invalid request: {problems}"),
                _ => value,
            };
        }
        catch (JsonException wrong)
        {
            value = null;
            return IsWellFormed(new Utf8JsonReader(body)) ? ApiError.InvalidRequest($"Invalid request: {Where(wrong)}") : ApiError.InvalidJson();
        }
        catch (InvalidOperationException) when (!IsWellFormed(new Utf8JsonReader(body)))
        {
            // A rule that reads a JsonElement was the first to meet half a surrogate pair.
            value = null;
            return ApiError.InvalidJson();
        }
    }

    /// <summary>The serializer's own message names types of ours, so only the path is told.</summary>
    private static string Where(JsonException wrong) => wrong.Path is null or "$" ? "the body has the wrong shape" : $"{wrong.Path} has the wrong type";

    /// <summary>Text that is no UTF-8, or half a surrogate pair, shows only when it is read, so everything is.</summary>
    public static bool IsWellFormed(Utf8JsonReader reader)
    {
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                {
                    reader.GetString();
                }
            }

            return true;
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            return false;
        }
    }
}
