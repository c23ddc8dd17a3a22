using System.IO.Compression;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sendcat.UpstreamEmulator.Rest;

namespace Sendcat.UpstreamEmulator.Sentry;

/// <summary>
/// Emulates the ingestion of Sentry: <c>POST /sentry/api/{project}/envelope/</c>. The key is in the header <c>X-Sentry-Auth</c>, in the
/// query, or in the DSN of the envelope. Events go to <see cref="SentryEnvelopes"/>; items of other types are accepted and dropped.
/// </summary>
internal sealed partial class SentryUpstream(RestRequestHandler handler, SentryEnvelopes envelopes) : IRestUpstream
{
    private const string Route = "envelope";
    private const byte LineFeed = (byte)'\n';

    public string Name => "sentry";

    public RestResponse Refuse(int status, string? message = null) => RestResponse.Of(new { detail = message ?? DetailOf(status) }, status);

    public async Task ServeAsync(HttpContext http, string project)
    {
        var request = http.Request;
        byte[] body;
        try
        {
            body = await BodyAsync(request, http.RequestAborted);
        }
        catch (InvalidDataException)
        {
            await handler.ServeAsync(http, this, Refused(Refuse(400, "invalid content encoding")));
            return;
        }

        await handler.ServeAsync(http, this, Read(request, project, body));
    }

    private RestRequest Read(HttpRequest request, string project, byte[] body)
    {
        try
        {
            ReadOnlyMemory<byte> rest = body;
            using var header = JsonDocument.Parse(Line(ref rest));
            var key = KeyOf(request.Headers["X-Sentry-Auth"].ToString()) ?? request.Query["sentry_key"].ToString() switch
            {
                { Length: > 0 } inQuery => inQuery,
                _ => header.RootElement.TryGetProperty("dsn", out var dsn) ? new Uri(dsn.GetString()!).UserInfo.Split(':')[0] : null,
            };
            if (key is null || !ApiKey.IsValid(key))
            {
                return Refused(Refuse(403, key is null ? "missing authorization information" : "bad sentry DSN public key"));
            }

            var events = EventsOf(rest);
            var id = header.RootElement.TryGetProperty("event_id", out var given) ? given.GetString() : null;

            // An event counts as received when its response is chosen: a fault of the standing directions comes before.
            return new(Route, id ?? "", null, (_, _) =>
            {
                foreach (var received in events)
                {
                    envelopes.Add(new(project, key, received));
                }

                return RestResponse.Of(new { id });
            })
            { Body = events.Count > 0 ? events[0] : default };
        }
        catch (Exception invalid)
            when (invalid is JsonException or FormatException or InvalidOperationException or KeyNotFoundException or ArgumentException)
        {
            return Refused(Refuse(400, "invalid envelope"));
        }
    }

    /// <summary>Items: a header in a line, and a payload of the length in the header, or up to the end of its line.</summary>
    private static List<JsonElement> EventsOf(ReadOnlyMemory<byte> rest)
    {
        var events = new List<JsonElement>();
        while (rest.Length > 0)
        {
            var line = Line(ref rest);
            if (line.Length == 0)
            {
                continue;
            }

            using var header = JsonDocument.Parse(line);
            ReadOnlyMemory<byte> payload;
            if (header.RootElement.TryGetProperty("length", out var length))
            {
                payload = rest[..length.GetInt32()];
                rest = rest[payload.Length..];
            }
            else
            {
                payload = Line(ref rest);
            }

            if (header.RootElement.GetProperty("type").GetString() == "event")
            {
                using var document = JsonDocument.Parse(payload);
                events.Add(document.RootElement.Clone());
            }
        }

        return events;
    }

    private static ReadOnlyMemory<byte> Line(ref ReadOnlyMemory<byte> rest)
    {
        var end = rest.Span.IndexOf(LineFeed);
        var line = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        return line;
    }

    private static async Task<byte[]> BodyAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        await using Stream body = request.Headers.ContentEncoding.ToString() switch
        {
            "gzip" => new GZipStream(request.Body, CompressionMode.Decompress),
            "deflate" => new ZLibStream(request.Body, CompressionMode.Decompress),
            "br" => new BrotliStream(request.Body, CompressionMode.Decompress),
            _ => request.Body,
        };
        using var buffer = new MemoryStream();
        await body.CopyToAsync(buffer, cancellationToken);
        return buffer.ToArray();
    }

    private static string? KeyOf(string authorization) =>
        PublicKey().Match(authorization) is { Success: true } match ? match.Groups["key"].Value : null;

    private static string DetailOf(int status) => status switch
    {
        403 => "bad sentry DSN public key",
        413 => "envelope exceeded size limits",
        429 => "event rejected due to rate limit",
        _ => "an error occurred",
    };

    private static RestRequest Refused(RestResponse refusal) => new(Route, "", refusal, (_, _) => refusal);

    [GeneratedRegex(@"sentry_key=(?<key>[^,\s]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex PublicKey();
}
