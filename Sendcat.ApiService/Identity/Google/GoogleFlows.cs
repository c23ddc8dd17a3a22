using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Identity.Google;

/// <summary>
/// The flows and proofs that are not used yet, in Redis, so that any replica continues what another has started. Their keys are digests:
/// the values that browsers present are not stored. The address that contains the one-time code is encrypted with a key that is derived
/// from the state of its flow.
/// </summary>
/// <remarks>All methods throw what <see cref="RedisFailure"/> recognizes when Redis does not respond within a second.</remarks>
internal sealed class GoogleFlows(IConnectionMultiplexer redis, TimeProvider time)
{
    /// <summary>The time in which a user signs in at Google.</summary>
    public static readonly TimeSpan FlowLifetime = TimeSpan.FromMinutes(10);

    /// <summary>The time in which a one-time code is used.</summary>
    public static readonly TimeSpan ProofLifetime = TimeSpan.FromMinutes(5);

    /// <summary>The time in which a reload of the callback gets the result of the first one.</summary>
    private static readonly TimeSpan ResultLifetime = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The value of a code that a request has taken begins so. It stays until the code would have expired, and contains no account.
    /// </summary>
    private const string TakenPrefix = "taken ";
    private const int SecretBytes = 32;
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    /// <summary>A random value of 43 characters that nobody can guess.</summary>
    public static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));

    public static string DigestOf(string secret) => Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    public Task SaveAsync(string state, GoogleFlow flow) => SetAsync(FlowKey(state), Json(flow), FlowLifetime);

    /// <summary>Takes a flow, which only one callback can.</summary>
    /// <param name="state">The state that Google returned.</param>
    /// <param name="browser">The digest of the cookie of the browser. A flow of another browser stays as it is.</param>
    /// <returns>
    /// The flow; one with <see cref="GoogleFlow.IsTaken"/> when another callback took it. Null for an unknown or expired state, and for a
    /// flow of another browser.
    /// </returns>
    public async Task<GoogleFlow?> TakeAsync(string state, string browser)
    {
        var key = FlowKey(state);
        var value = await GetAsync(key);
        if (Read(value, GoogleFlowJson.Default.GoogleFlow) is not { } flow || flow.Browser != browser)
        {
            return null;
        }

        if (flow.IsTaken)
        {
            return flow with { Location = flow.Location is { } location ? Open(location, state) : null };
        }

        return await ReplaceAsync("take google flow", key, value, Json(flow with { IsTaken = true })) ? flow : flow with { IsTaken = true };
    }

    /// <summary>Stores where the browser goes, for further callbacks of the same flow.</summary>
    public Task FinishAsync(string state, GoogleFlow flow, string location) =>
        SetAsync(FlowKey(state), Json(flow with { IsTaken = true, Location = Seal(location, state) }), ResultLifetime);

    /// <returns>The one-time code.</returns>
    public async Task<string> IssueAsync(GoogleProof proof)
    {
        var code = NewSecret();
        await SetAsync(ProofKey(code), Json(proof), ProofLifetime);
        return code;
    }

    /// <returns>The proof of a code; null for a code that is unknown, expired or taken.</returns>
    public async Task<IssuedProof?> FindAsync(string code)
    {
        var value = (string?)await GetAsync(ProofKey(code));
        return value is null || value.StartsWith(TakenPrefix, StringComparison.Ordinal)
            ? null
            : new(ProofKey(code), value, JsonSerializer.Deserialize(value, GoogleFlowJson.Default.GoogleProof)!, TakenPrefix + NewSecret());
    }

    /// <summary>Takes a proof, which only one request can.</summary>
    /// <returns>False: another request took it, or it has expired.</returns>
    public Task<bool> TakeAsync(IssuedProof issued) => ReplaceAsync("take google proof", issued.Key, issued.Value, issued.Taken);

    /// <summary>
    /// Makes a code valid again that this request took, until it would have expired; also when the response to
    /// <see cref="TakeAsync(IssuedProof)"/> was lost. It changes nothing when another request took it.
    /// </summary>
    public Task RestoreAsync(IssuedProof issued) => ReplaceAsync("restore google proof", issued.Key, issued.Taken, issued.Value);

    private async Task<bool> ReplaceAsync(string span, string key, RedisValue present, RedisValue next)
    {
        using var started = RedisSpan.Start(span, "EXEC");
        var transaction = redis.GetDatabase().CreateTransaction();
        transaction.AddCondition(Condition.StringEqual(key, present));
        _ = transaction.StringSetAsync(key, next, expiry: null, keepTtl: true);
        return await transaction.ExecuteAsync().WaitAsync(Timeout, time);
    }

    private async Task<RedisValue> GetAsync(string key)
    {
        using var span = RedisSpan.Start("read google flow", "GET");
        return await redis.GetDatabase().StringGetAsync(key).WaitAsync(Timeout, time);
    }

    private async Task SetAsync(string key, string value, TimeSpan lifetime)
    {
        using var span = RedisSpan.Start("write google flow", "SET");
        await redis.GetDatabase().StringSetAsync(key, value, lifetime).WaitAsync(Timeout, time);
    }

    private static string Seal(string text, string state)
    {
        var plain = Encoding.UTF8.GetBytes(text);
        var value = new byte[NonceBytes + plain.Length + TagBytes];
        var (nonce, cipher, tag) = PartsOf(value);
        RandomNumberGenerator.Fill(nonce.Span);
        using var aes = new AesGcm(KeyOf(state), TagBytes);
        aes.Encrypt(nonce.Span, plain, cipher.Span, tag.Span);
        return Base64Url.EncodeToString(value);
    }

    private static string Open(string text, string state)
    {
        var (nonce, cipher, tag) = PartsOf(Base64Url.DecodeFromChars(text));
        var plain = new byte[cipher.Length];
        using var aes = new AesGcm(KeyOf(state), TagBytes);
        aes.Decrypt(nonce.Span, cipher.Span, tag.Span, plain);
        return Encoding.UTF8.GetString(plain);
    }

    private static (Memory<byte> Nonce, Memory<byte> Cipher, Memory<byte> Tag) PartsOf(Memory<byte> value) =>
        (value[..NonceBytes], value[NonceBytes..^TagBytes], value[^TagBytes..]);

    private static byte[] KeyOf(string state) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(state), KeyBytes, info: "location of a google flow"u8.ToArray());

    private static string FlowKey(string state) => RedisKeys.GoogleFlow(DigestOf(state));

    private static string ProofKey(string code) => RedisKeys.GoogleProof(DigestOf(code));

    private static string Json(GoogleProof proof) => JsonSerializer.Serialize(proof, GoogleFlowJson.Default.GoogleProof);

    private static string Json(GoogleFlow flow) => JsonSerializer.Serialize(flow, GoogleFlowJson.Default.GoogleFlow);

    private static T? Read<T>(RedisValue value, JsonTypeInfo<T> type)
        where T : class => value.IsNull ? null : JsonSerializer.Deserialize(value.ToString(), type);
}
