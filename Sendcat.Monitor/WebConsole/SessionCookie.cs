using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Sendcat.Monitor.WebConsole;

/// <summary>
/// The sign-in cookie: the session, encrypted with AES-256-GCM under a key that all Monitors derive from the same secret. So any of them
/// can read it, none stores it, and a browser's files contain no usable key.
/// </summary>
internal sealed class SessionCookie(IOptions<ConsoleOptions> options, IHostEnvironment environment, TimeProvider clock)
{
    /// <summary>Longer than a shift, so that nobody is signed out in the middle of an incident.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(12);

    private const int ShortestSecret = 24;
    private const int LongestCookie = 4_000;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const string PlainName = "sendcat-console";

    /// <summary>Browsers accept a name with this prefix only with <c>Secure</c>, so that no other origin of the host can set it.</summary>
    private const string SecureName = $"__Host-{PlainName}";

    private static readonly byte[] Purpose = "sendcat console cookie v1"u8.ToArray();

    private readonly byte[] _key = KeyOf(options.Value.CookieKey);

    /// <summary>The session of the request; null without a cookie, and for one that is forged, foreign or expired.</summary>
    public ConsoleSession? Read(HttpContext http) => Open(http.Request.Cookies[NameFor(http)]);

    public ConsoleSession Set(HttpContext http, string key, string name, string role)
    {
        var session = new ConsoleSession(key, name, role, clock.GetUtcNow() + Lifetime);
        http.Response.Cookies.Append(NameFor(http), Seal(session), Attributes(http, Lifetime));
        return session;
    }

    public void Delete(HttpContext http) => http.Response.Cookies.Append(NameFor(http), "", Attributes(http, TimeSpan.Zero));

    internal string Seal(ConsoleSession session)
    {
        var plain = JsonSerializer.SerializeToUtf8Bytes(session);
        var sealedBytes = new byte[NonceBytes + plain.Length + TagBytes];
        var nonce = sealedBytes.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        // A cipher of its own for each call: an instance of AesGcm is not thread-safe, and the page sends several requests at once.
        using var cipher = new AesGcm(_key, TagBytes);
        cipher.Encrypt(nonce, plain, sealedBytes.AsSpan(NonceBytes, plain.Length), sealedBytes.AsSpan(NonceBytes + plain.Length), Purpose);
        return Base64Url.EncodeToString(sealedBytes);
    }

    internal ConsoleSession? Open(string? cookie)
    {
        if (cookie is not { Length: > 0 and <= LongestCookie } || !Base64Url.IsValid(cookie, out var length)
            || length <= NonceBytes + TagBytes)
        {
            return null;
        }

        var sealedBytes = Base64Url.DecodeFromChars(cookie).AsSpan();
        var plain = new byte[length - NonceBytes - TagBytes];
        using var cipher = new AesGcm(_key, TagBytes);
        try
        {
            cipher.Decrypt(sealedBytes[..NonceBytes], sealedBytes[NonceBytes..^TagBytes], sealedBytes[^TagBytes..], plain, Purpose);
        }
        catch (CryptographicException)
        {
            return null;
        }

        return JsonSerializer.Deserialize<ConsoleSession>(plain) is { } session && session.ExpiresAt > clock.GetUtcNow() ? session : null;
    }

    private static byte[] KeyOf(string secret) => secret.Length switch
    {
        0 => RandomNumberGenerator.GetBytes(32),
        >= ShortestSecret => HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 32, info: Purpose),
        _ => throw new InvalidOperationException($"CONSOLE_COOKIE_KEY has {secret.Length} characters and needs at least {ShortestSecret}."),
    };

    private CookieOptions Attributes(HttpContext http, TimeSpan lifetime) => new()
    {
        HttpOnly = true, Secure = IsSecure(http), SameSite = SameSiteMode.Strict, Path = "/", MaxAge = lifetime,
    };

    private string NameFor(HttpContext http) => IsSecure(http) ? SecureName : PlainName;

    /// <summary>
    /// Behind an ingress the request of a browser over TLS may arrive without, so only a local address may omit the attribute.
    /// </summary>
    private bool IsSecure(HttpContext http) =>
        http.Request.IsHttps || !(environment.IsDevelopment() || http.Request.Host.Host is "127.0.0.1" or "localhost" or "[::1]");
}
