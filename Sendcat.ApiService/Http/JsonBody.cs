using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Sendcat.ApiService.Http;

/// <summary>
/// Reads a JSON body and checks it in this order: media type, size, JSON syntax, schema and the rules of <see cref="IValidatable"/>. A
/// request without a body counts as <c>{}</c> for an <see cref="IOptionalBody"/>, and then needs no media type. So does the body
/// <c>null</c>, which generated clients send for a body that is left out.
/// </summary>
internal static class JsonBody
{
    /// <summary>The body limit of most endpoints in bytes, 64 KiB.</summary>
    public const int OrdinaryLimit = 65_536;

    /// <summary>The most levels of nested objects and arrays in most bodies.</summary>
    public const int OrdinaryDepth = 64;

    /// <summary>In the serializer's message about a member that the type does not have, where it disallows them.</summary>
    private const string UnknownMember = "could not be mapped to any .NET member";

    private static readonly ReadOnlySequence<byte> NoFields = new("{}"u8.ToArray());

    /// <param name="limitBytes">The most bytes of the body as it was sent, with a <c>Content-Length</c> or in chunks.</param>
    public static ValueTask<Outcome<T>> ReadAsync<T>(
        HttpContext http, int limitBytes, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class => ReadAsync(http, limitBytes, type, _ => limitBytes, cancellationToken);

    /// <param name="limitBytes">The most bytes of any body.</param>
    /// <param name="limitOf">
    /// The limit in bytes for the parsed body, at most <paramref name="limitBytes"/>: some shapes may be longer than others. Its argument
    /// is null when the body could not be parsed.
    /// </param>
    public static async ValueTask<Outcome<T>> ReadAsync<T>(
        HttpContext http, int limitBytes, JsonTypeInfo<T> type, Func<T?, int> limitOf, CancellationToken cancellationToken)
        where T : class
    {
        if (typeof(IOptionalBody).IsAssignableFrom(typeof(T))
            && IsEmpty(http.Request)
            && Parse(NoFields, type, out _).TryGet(out var optional, out _))
        {
            return optional;
        }

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
            var read = await ReadAsync(http, reader, cancellationToken);
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

    /// <summary>
    /// A read that fails, since the connection is reset or the caller has left, leaves Kestrel's reader as if it were still reading.
    /// Kestrel then logs an error with a stack trace when it drains the body. An aborted connection is not drained.
    /// </summary>
    public static async ValueTask<ReadResult> ReadAsync(HttpContext http, PipeReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(cancellationToken);
        }
        catch (Exception failure) when (failure is OperationCanceledException or ConnectionResetException)
        {
            http.Abort();
            throw;
        }
    }

    /// <summary>True for a request that announces no body.</summary>
    private static bool IsEmpty(HttpRequest request) =>
        request.ContentLength == 0
            || (request.ContentLength is null
                && request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false });

    /// <summary>
    /// Parses the media type: <c>text/plain; note=application/json</c> is not JSON. JSON in another charset than UTF-8 is rejected.
    /// </summary>
    public static bool IsJson(string? contentType)
    {
        if (string.Equals(contentType, "application/json", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        return MediaTypeHeaderValue.TryParse(contentType, out var media)
            && media.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            && (media.Charset.Length == 0
                || media.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
                || media.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase));
    }

    /// <param name="value">The parsed body, also when it violates its own rules; null when it cannot be parsed.</param>
    /// <param name="maxDepth">The most levels of nested objects and arrays.</param>
    public static Outcome<T> Parse<T>(ReadOnlySequence<byte> body, JsonTypeInfo<T> type, out T? value, int maxDepth = OrdinaryDepth)
        where T : class
    {
        var depth = new JsonReaderOptions { MaxDepth = maxDepth };
        try
        {
            var reader = new Utf8JsonReader(body, depth);
            value = JsonSerializer.Deserialize(ref reader, type);
            // A further read throws when anything but white space follows the first value.
            reader.Read();
            return value switch
            {
                null when typeof(IOptionalBody).IsAssignableFrom(typeof(T)) => Parse(NoFields, type, out value),
                null => ApiError.InvalidRequest("The body must be a JSON object"),
                IValidatable { } request when string.Join(", ", request.Problems()) is { Length: > 0 } problems =>
                    ApiError.InvalidRequest($"Invalid request: {problems}"),
                _ => value,
            };
        }
        catch (JsonException exception)
        {
            value = null;
            return IsWellFormed(new Utf8JsonReader(body, depth)) ? ApiError.InvalidRequest($"Invalid request: {ProblemOf(exception)}")
                : IsTooDeep(body, maxDepth) ? ApiError.JsonTooDeep(maxDepth)
                : ApiError.InvalidJson();
        }
        catch (InvalidOperationException) when (!IsWellFormed(new Utf8JsonReader(body, depth)))
        {
            // A rule that reads a JsonElement found half of a surrogate pair.
            value = null;
            return ApiError.InvalidJson();
        }
    }

    /// <summary>Names only the JSON path: the serializer's own message contains the names of internal types.</summary>
    private static string ProblemOf(JsonException exception) =>
        exception.Path is null or "$" ? "the body has the wrong shape"
        : exception.Message.Contains(UnknownMember, StringComparison.Ordinal) ? $"{exception.Path} is not known"
        : $"{exception.Path} has the wrong type";

    /// <summary>True for JSON that is valid but nested deeper than <paramref name="maxDepth"/>.</summary>
    public static bool IsTooDeep(ReadOnlySequence<byte> json, int maxDepth) =>
        !IsWellFormed(new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = maxDepth }))
        && IsWellFormed(new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue }));

    /// <summary>
    /// True for valid JSON whose strings are all valid. Invalid UTF-8 or half of a surrogate pair is found only by reading each string.
    /// </summary>
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
