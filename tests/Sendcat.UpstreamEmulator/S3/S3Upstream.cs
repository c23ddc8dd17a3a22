using System.Collections.Concurrent;
using System.Globalization;
using System.Security;
using System.Security.Cryptography;
using Sendcat.UpstreamEmulator.Markers;
using Sendcat.UpstreamEmulator.Rest;
using Sendcat.UpstreamEmulator.Stats;

namespace Sendcat.UpstreamEmulator.S3;

/// <summary>
/// Emulates S3 with one bucket under <c>/s3/files</c>, addressed by path: PUT, GET, HEAD and DELETE of an object. Every request must have a
/// right signature. Objects are in memory.
/// </summary>
internal sealed class S3Upstream(EmulatorStats stats, StandingDirections<RestDirections> standing, TimeProvider clock)
{
    public const string Bucket = "files";
    public const string Region = "us-east-1";
    public const string AccessKey = "emulator";
    public const string SecretKey = "emulator";

    private const string Name = "s3";

    private readonly ConcurrentDictionary<string, StoredObject> _objects = new(StringComparer.Ordinal);

    public IReadOnlyCollection<string> Keys => [.. _objects.Keys.Order(StringComparer.Ordinal)];

    public async Task ServeAsync(HttpContext http, string bucket, string key)
    {
        var route = http.Request.Method.ToLowerInvariant();
        var call = stats.Start(Name, route);
        try
        {
            var error = Directed(route)
                ?? SignatureV4.Check(http.Request, Region, clock.GetUtcNow(), id => id == AccessKey ? SecretKey : null)
                ?? (bucket != Bucket ? S3Error.NoSuchBucket() : null)
                ?? await AnswerAsync(http, key);
            if (error is null)
            {
                call.Completed();
                return;
            }

            await WriteAsync(http, error);
            call.Refused();
        }
        finally
        {
            call.Broken(); // has no effect when the call has already ended in another way
        }
    }

    private S3Error? Directed(string route)
    {
        var directions = new RestDirections();
        foreach (var block in standing.Blocks.Where(block => block.AppliesTo(Name, route)))
        {
            block.ApplyTo(directions);
        }

        return directions.Status is { } status ? S3Error.Of(status, directions.Message) : null;
    }

    private async Task<S3Error?> AnswerAsync(HttpContext http, string key) => http.Request.Method switch
    {
        "PUT" => await PutAsync(http, key),
        "DELETE" => Delete(http, key),
        _ => await GetAsync(http, key),
    };

    private async Task<S3Error?> PutAsync(HttpContext http, string key)
    {
        if (http.Request.ContentLength is not { } length)
        {
            return S3Error.MissingLength();
        }

        var payload = http.Request.Headers[SignatureV4.PayloadHeader].ToString();
        if (payload.StartsWith("STREAMING-", StringComparison.Ordinal))
        {
            return S3Error.NotImplemented();
        }

        using var body = new MemoryStream((int)length);
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        var bytes = body.ToArray();
        if (payload != SignatureV4.Unsigned && payload != Convert.ToHexStringLower(SHA256.HashData(bytes)))
        {
            return S3Error.PayloadMismatch();
        }

        var stored = new StoredObject(bytes, http.Request.ContentType ?? "binary/octet-stream", clock.GetUtcNow());
        _objects[key] = stored;
        http.Response.Headers.ETag = stored.ETag;
        return null;
    }

    private S3Error? Delete(HttpContext http, string key)
    {
        _objects.TryRemove(key, out _);
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        return null;
    }

    private async Task<S3Error?> GetAsync(HttpContext http, string key)
    {
        if (!_objects.TryGetValue(key, out var stored))
        {
            return S3Error.NoSuchKey();
        }

        var response = http.Response;
        (response.ContentType, response.ContentLength) = (stored.ContentType, stored.Bytes.Length);
        response.Headers.ETag = stored.ETag;
        response.Headers.LastModified = stored.At.ToString("R", CultureInfo.InvariantCulture);
        if (HttpMethods.IsGet(http.Request.Method))
        {
            await response.Body.WriteAsync(stored.Bytes, http.RequestAborted);
        }

        return null;
    }

    /// <summary>A response to HEAD has no body, so its client knows the status only, as with the real S3.</summary>
    private static async Task WriteAsync(HttpContext http, S3Error error)
    {
        http.Response.StatusCode = error.Status;
        http.Response.ContentType = "application/xml";
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.WriteAsync(
                $"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{error.Code}</Code><Message>{SecurityElement.Escape(error.Message)}</Message></Error>",
                http.RequestAborted);
        }
    }

    private sealed record StoredObject(byte[] Bytes, string ContentType, DateTimeOffset At)
    {
        /// <summary>As with the real S3, the MD5 of an object that was stored in one piece. Clients compare it.</summary>
        public string ETag { get; } = $"\"{Convert.ToHexStringLower(MD5.HashData(Bytes))}\"";
    }
}

internal static class S3Routes
{
    public static void MapS3(this WebApplication app)
    {
        var s3 = app.Services.GetRequiredService<S3Upstream>();
        app.MapMethods(
            "/s3/{bucket}/{**key}", ["PUT", "GET", "HEAD", "DELETE"],
            (HttpContext http, string bucket, string key) => s3.ServeAsync(http, bucket, key));
    }
}
