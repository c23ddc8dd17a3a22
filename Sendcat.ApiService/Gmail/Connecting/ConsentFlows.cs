using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.ApiService.Identity;
using Sendcat.Integrations.Encryption;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Gmail.Connecting;

/// <summary>
/// The consents that browsers are asked for. The state that passes through Google is encrypted and says who asked and when; its nonce is
/// the key of what only we know, in Redis, which is used once.
/// </summary>
/// <remarks>Saving and taking throw what <see cref="RedisFailure"/> recognizes when Redis does not respond within a second.</remarks>
internal sealed class ConsentFlows(IConnectionMultiplexer redis, SecretCipher cipher, TimeProvider time)
{
    /// <summary>The time in which a user decides on Google's page.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private const string StatePurpose = "gmail consent state";
    private const int SecretBytes = 32;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    /// <summary>Lax: the callback is a navigation that Google's page causes.</summary>
    private static readonly BrowserCookie Cookie = new("gmail", "/", SameSiteMode.Lax);

    /// <summary>Begins a flow, and binds it to the browser by a cookie.</summary>
    /// <param name="http">The request; its response gets the cookie.</param>
    /// <param name="userId">Who asks.</param>
    /// <param name="redirectUri">The address of the callback, as Google is told.</param>
    /// <returns>The state, and the PKCE challenge.</returns>
    public async Task<(string State, string Challenge)> BeginAsync(HttpContext http, string userId, string redirectUri)
    {
        var (nonce, verifier, browser) = (NewSecret(), NewSecret(), Cookie.Read(http) is { Length: 43 } present ? present : NewSecret());
        var flow = new ConsentFlow(DigestOf(browser), verifier, redirectUri);
        using (var span = RedisSpan.Start("write gmail consent", "SET"))
        {
            await redis.GetDatabase()
                .StringSetAsync(Key(nonce), JsonSerializer.Serialize(flow, ConsentJson.Default.ConsentFlow), Lifetime)
                    .WaitAsync(Timeout, time, CancellationToken.None);
        }

        Cookie.Set(http, browser, Lifetime);
        var state = JsonSerializer.Serialize(
            new(userId, time.GetUtcNow().ToUnixTimeMilliseconds(), nonce), ConsentJson.Default.ConsentState);
        return (cipher.Encrypt(StatePurpose, "", state), DigestOf(verifier));
    }

    /// <returns>What the state says; null for one that we did not make.</returns>
    public ConsentState? Read(string state)
    {
        if (!cipher.TryDecrypt(StatePurpose, "", state, out var json, out _))
        {
            return null;
        }

        return JsonSerializer.Deserialize(json, ConsentJson.Default.ConsentState);
    }

    /// <summary>Whether the user took longer than <see cref="Lifetime"/>.</summary>
    public bool IsExpired(ConsentState state) => time.GetUtcNow().ToUnixTimeMilliseconds() - state.Ts > Lifetime.TotalMilliseconds;

    /// <summary>Takes the flow, which only one callback can.</summary>
    /// <returns>Null when it was taken before, or belongs to another browser.</returns>
    public async Task<ConsentFlow?> TakeAsync(HttpContext http, ConsentState state)
    {
        var key = Key(state.Nonce);
        RedisValue value;
        using (var read = RedisSpan.Start("read gmail consent", "GET"))
        {
            value = await redis.GetDatabase().StringGetAsync(key).WaitAsync(Timeout, time, CancellationToken.None);
        }

        if (value.IsNull || JsonSerializer.Deserialize(value.ToString(), ConsentJson.Default.ConsentFlow) is not { } flow
            || Cookie.Read(http) is not { } browser
            || !CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(DigestOf(browser)), Encoding.ASCII.GetBytes(flow.Browser)))
        {
            return null;
        }

        using var span = RedisSpan.Start("take gmail consent", "DEL");
        return await redis.GetDatabase().KeyDeleteAsync(key).WaitAsync(Timeout, time, CancellationToken.None) ? flow : null;
    }

    private static string Key(string nonce) => RedisKeys.GmailConsent(DigestOf(nonce));

    private static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));

    private static string DigestOf(string secret) => Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}

/// <param name="UserId">Who asked.</param>
/// <param name="Ts">When, in milliseconds since 1970.</param>
/// <param name="Nonce">The key of the <see cref="ConsentFlow"/>.</param>
internal sealed record ConsentState(string UserId, long Ts, string Nonce);

/// <param name="Browser">The digest of the cookie of the browser.</param>
/// <param name="Verifier">The PKCE verifier.</param>
/// <param name="RedirectUri">The address of the callback.</param>
internal sealed record ConsentFlow(string Browser, string Verifier, string RedirectUri);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ConsentFlow))]
[JsonSerializable(typeof(ConsentState))]
internal sealed partial class ConsentJson : JsonSerializerContext;
