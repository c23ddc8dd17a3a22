using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Sendcat.UpstreamEmulator.Google;
using Sendcat.UpstreamEmulator.Rest;

namespace Sendcat.UpstreamEmulator.Gmail;

/// <summary>Pushes notifications about mailboxes as Pub/Sub does: an envelope, and a token that Google's keys sign.</summary>
internal sealed class PubSubPush(EmulatorOptions options, GoogleSigningKeys keys, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Timeout };
    private long _messages;

    /// <summary>A new token of the push subscription.</summary>
    public string Token() =>
        IdTokens.Sign(keys, IdTokens.PushClaims(Audience, options.PushServiceAccount, clock.GetUtcNow()), IdTokenFault.None);

    /// <summary>The claims that <see cref="Token"/> signs.</summary>
    public Dictionary<string, object> Claims() => IdTokens.PushClaims(Audience, options.PushServiceAccount, clock.GetUtcNow());

    /// <param name="account">The mailbox.</param>
    /// <param name="historyId">Where it is now. Google sends a number.</param>
    /// <param name="messageId">The id of an earlier notification, to deliver it again; null: a new one.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <returns>Null when no push endpoint is configured.</returns>
    public async Task<PushResult?> SendAsync(string account, ulong historyId, string? messageId, CancellationToken cancellationToken)
    {
        if (options.PushUrl is not { Length: > 0 } url)
        {
            return null;
        }

        var id = messageId ?? string.Create(
            CultureInfo.InvariantCulture, $"{clock.GetUtcNow().ToUnixTimeMilliseconds()}{Interlocked.Increment(ref _messages):D4}");
        using var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new StringContent(Envelope(account, historyId, id), Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
            Headers = { Authorization = new("Bearer", Token()) },
        };
        request.Headers.UserAgent.ParseAdd("APIs-Google");
        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            var isReplay = response.Headers.TryGetValues("X-Idempotent-Replay", out var replay) && replay.Contains("1");
            return new(id, (int)response.StatusCode, isReplay);
        }
        catch (HttpRequestException e)
        {
            return new(id, 0, false) { Error = e.HttpRequestError.ToString() };
        }
    }

    /// <summary>The body of a push. Both spellings of the names are present, as in Google's.</summary>
    public string Envelope(string account, ulong historyId, string messageId)
    {
        var data = Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(new { emailAddress = account, historyId }));
        var at = clock.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        return JsonSerializer.Serialize(new
        {
            message = new { data, messageId, message_id = messageId, publishTime = at, publish_time = at },
            subscription = "projects/emulator/subscriptions/gmail-push",
        });
    }

    public void Dispose() => _http.Dispose();

    private string Audience => options.PushAudience is { Length: > 0 } audience ? audience : options.PushUrl ?? "";
}

/// <param name="MessageId">The id of the notification.</param>
/// <param name="Status">The HTTP status of the response; 0: none came.</param>
/// <param name="Replay">Whether the receiver says that it knew the notification.</param>
internal sealed record PushResult(string MessageId, int Status, bool Replay)
{
    public string? Error { get; init; }
}
