using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Sendcat.UpstreamEmulator.S3;

/// <summary>Checks AWS Signature Version 4 of a request: in the header <c>Authorization</c>, or in the query of a signed address.</summary>
internal static class SignatureV4
{
    public const string PayloadHeader = "x-amz-content-sha256";
    public const string Unsigned = "UNSIGNED-PAYLOAD";

    private const string Algorithm = "AWS4-HMAC-SHA256";
    private const string DateFormat = "yyyyMMdd'T'HHmmss'Z'";
    private const int LongestLinkSeconds = 604_800;

    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(15);

    /// <param name="secretOf">The secret of an access key; null: there is no such key.</param>
    /// <returns>The refusal; null when the signature is right.</returns>
    public static S3Error? Check(HttpRequest request, string region, DateTimeOffset now, Func<string, string?> secretOf) =>
        request.Query.ContainsKey("X-Amz-Algorithm") ? CheckLink(request, region, now, secretOf)
        : request.Headers.Authorization is [{ Length: > 0 } header] ? CheckHeader(request, header, region, now, secretOf)
        : S3Error.AccessDenied("Anonymous access is not allowed");

    private static S3Error? CheckHeader(
        HttpRequest request, string header, string region, DateTimeOffset now, Func<string, string?> secretOf)
    {
        var fields = header.StartsWith(Algorithm + " ", StringComparison.Ordinal)
            ? header[Algorithm.Length..].Split(',', StringSplitOptions.TrimEntries)
                .Select(field => field.Split('=', 2)).Where(field => field.Length == 2)
                .ToDictionary(field => field[0], field => field[1], StringComparer.Ordinal)
            : [];
        if (!fields.TryGetValue("Credential", out var credential) || !fields.TryGetValue("SignedHeaders", out var signed)
            || !fields.TryGetValue("Signature", out var signature) || request.Headers[PayloadHeader] is not [{ Length: > 0 } payload])
        {
            return S3Error.MalformedAuthorization();
        }

        var date = request.Headers["x-amz-date"].ToString();
        return ParseDate(date) is not { } at ? S3Error.AccessDenied("AWS authentication requires a valid Date or x-amz-date header")
            : (now - at).Duration() > Skew ? S3Error.TimeTooSkewed()
            : CheckSignature(request, credential, signed, signature, payload, date, region, secretOf);
    }

    private static S3Error? CheckLink(HttpRequest request, string region, DateTimeOffset now, Func<string, string?> secretOf)
    {
        string Of(string name) => request.Query[name].ToString();
        var date = Of("X-Amz-Date");
        return Of("X-Amz-Algorithm") != Algorithm || ParseDate(date) is not { } at
            || !int.TryParse(Of("X-Amz-Expires"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || seconds is < 1 or > LongestLinkSeconds
                ? S3Error.MalformedLink()
            : at - now > Skew ? S3Error.AccessDenied("Request is not valid yet")
            : now > at.AddSeconds(seconds) ? S3Error.AccessDenied("Request has expired")
            : CheckSignature(
                request, Of("X-Amz-Credential"), Of("X-Amz-SignedHeaders"), Of("X-Amz-Signature"), Unsigned, date, region, secretOf);
    }

    private static S3Error? CheckSignature(
        HttpRequest request, string credential, string signedHeaders, string signature, string payload, string date, string region,
        Func<string, string?> secretOf)
    {
        if (credential.Split('/') is not [var key, var day, var scopeRegion, "s3", "aws4_request"]
            || day != date[..8]
            || scopeRegion != region)
        {
            return S3Error.MalformedAuthorization();
        }

        if (secretOf(key) is not { } secret)
        {
            return S3Error.InvalidAccessKey();
        }

        var names = signedHeaders.Split(';');
        var unsigned = request.Headers.Keys.Select(name => name.ToLowerInvariant())
            .Where(name => name == "host" || name.StartsWith("x-amz-", StringComparison.Ordinal)).Except(names, StringComparer.Ordinal);
        if (unsigned.Any())
        {
            return S3Error.AccessDenied("There were headers present in the request which were not signed");
        }

        var canonical = string.Join(
            '\n',
            [
                request.Method,
                Path(request),
                Query(request),
                .. names.Select(name => $"{name}:{Value(request.Headers[name])}"),
                "",
                signedHeaders,
                payload,
            ]);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)));
        var text = $"{Algorithm}\n{date}\n{day}/{region}/s3/aws4_request\n{hash}";
        var signing = Hmac(Hmac(Hmac(Hmac(Encoding.UTF8.GetBytes("AWS4" + secret), day), region), "s3"), "aws4_request");
        var expected = Convert.ToHexStringLower(Hmac(signing, text));
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(expected), Encoding.ASCII.GetBytes(signature))
            ? null
            : S3Error.SignatureDoesNotMatch();
    }

    private static byte[] Hmac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private static DateTimeOffset? ParseDate(string text) =>
        DateTimeOffset.TryParseExact(text, DateFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            ? date
            : null;

    private static string Path(HttpRequest request) =>
        string.Join('/', (request.PathBase + request.Path).Value!.Split('/').Select(Uri.EscapeDataString));

    private static string Query(HttpRequest request) => string.Join('&', request.Query
        .Where(parameter => parameter.Key != "X-Amz-Signature")
        .SelectMany(
            parameter => parameter.Value,
            (parameter, value) => $"{Uri.EscapeDataString(parameter.Key)}={Uri.EscapeDataString(value ?? "")}")
        .Order(StringComparer.Ordinal));

    private static string Value(StringValues values) =>
        string.Join(',', values.Select(value => string.Join(' ', (value ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries))));
}
