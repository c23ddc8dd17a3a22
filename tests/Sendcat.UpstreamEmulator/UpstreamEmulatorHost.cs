using Sendcat.UpstreamEmulator.Ebay;
using Sendcat.UpstreamEmulator.Gmail;
using Sendcat.UpstreamEmulator.Google;
using Sendcat.UpstreamEmulator.Markers;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;
using Sendcat.UpstreamEmulator.Resend;
using Sendcat.UpstreamEmulator.Rest;
using Sendcat.UpstreamEmulator.Sentry;
using Sendcat.UpstreamEmulator.Stats;
using Sendcat.UpstreamEmulator.WhatsApp;

namespace Sendcat.UpstreamEmulator;

/// <summary>
/// A running emulator. A test starts its own instance on ports that the operating system chooses; the start takes some tens of
/// milliseconds. <see cref="EmulatorProgram"/> runs the same server from the command line.
/// </summary>
public sealed class UpstreamEmulatorHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly EmulatorApp.Listeners _listeners;

    private UpstreamEmulatorHost(WebApplication app, EmulatorApp.Listeners listeners)
    {
        _app = app;
        _listeners = listeners;
        Stats = app.Services.GetRequiredService<EmulatorStats>();
    }

    /// <summary>The bound HTTP/1.1 base addresses, each with a trailing slash.</summary>
    public IReadOnlyList<Uri> Http1Addresses => _listeners.Http1;

    /// <summary>The bound base addresses for HTTP/2 without TLS, each with a trailing slash.</summary>
    public IReadOnlyList<Uri> H2cAddresses => _listeners.H2c;

    public Uri Http1 => Http1Addresses[0];

    public Uri H2c => H2cAddresses[0];

    /// <summary>The value for <c>OPENROUTER_BASE_URL</c>: <c>http://127.0.0.1:port/openrouter/api/v1</c>.</summary>
    public Uri OpenRouter => new(Http1, "openrouter/api/v1");

    /// <summary>The same upstream over HTTP/2 with prior knowledge. The client must request exactly version 2.0.</summary>
    public Uri OpenRouterH2c => new(H2c, "openrouter/api/v1");

    /// <summary>The value for <c>SERPER_BASE_URL</c>.</summary>
    public Uri Serper => new(Http1, "serper");

    /// <summary>The value for <c>SERPAPI_BASE_URL</c>.</summary>
    public Uri SerpApi => new(Http1, "serpapi");

    /// <summary>The value for <c>EBAY_BASE_URL</c>.</summary>
    public Uri Ebay => new(Http1, "ebay");

    /// <summary>The value for <c>FILES_S3_URL</c>. Bucket: <c>files</c>; access key and secret key: <c>emulator</c>.</summary>
    public Uri S3 => new(Http1, "s3");

    /// <summary>The value for <c>GOOGLE_OAUTH_BASE_URL</c>. Every client id and secret is accepted that is a valid key.</summary>
    public Uri Google => new(Http1, "google");

    /// <summary>The value for <c>GOOGLE_JWKS_URL</c>.</summary>
    public Uri GoogleKeys => new(Http1, "google/oauth2/v3/certs");

    /// <summary>The value for <c>GMAIL_BASE_URL</c>.</summary>
    public Uri Gmail => new(Http1, "gmail");

    /// <summary>The keys of all objects of the emulated S3 bucket.</summary>
    public IReadOnlyCollection<string> S3Keys => _app.Services.GetRequiredService<S3.S3Upstream>().Keys;

    /// <summary>The value for <c>WHATSAPP_GRAPH_BASE_URL</c>.</summary>
    public Uri Graph => new(Http1, "graph");

    /// <summary>Composes, signs and posts messages of the emulated WhatsApp.</summary>
    public WhatsAppDeliveries WhatsApp => _app.Services.GetRequiredService<WhatsAppDeliveries>();

    /// <summary>The messages that were sent through the emulated Graph API, the newest first.</summary>
    public IReadOnlyList<SentMessage> SentMessages => _app.Services.GetRequiredService<SentMessages>().All;

    /// <summary>Waits for the next sent message that no call of this method has returned yet.</summary>
    public ValueTask<SentMessage> NextSentMessageAsync(CancellationToken cancellationToken = default) =>
        _app.Services.GetRequiredService<SentMessages>().Accepted.ReadAsync(cancellationToken);

    /// <summary>The value for <c>RESEND_BASE_URL</c>.</summary>
    public Uri Resend => new(Http1, "resend");

    /// <summary>The mails that the emulated Resend accepted, the newest first.</summary>
    public IReadOnlyList<ReceivedMail> Mails => _app.Services.GetRequiredService<MailBox>().Mails;

    /// <summary>A DSN of the emulated Sentry.</summary>
    /// <param name="project">The project.</param>
    public string SentryDsn(string project) => $"http://public@{Http1.Authority}/sentry/{project}";

    /// <summary>The events that the emulated Sentry received, the oldest first.</summary>
    public IReadOnlyList<SentryEnvelopeEvent> SentryEvents => _app.Services.GetRequiredService<SentryEnvelopes>().All;

    public EmulatorStats Stats { get; }

    /// <summary>The last received requests, oldest first, at most <see cref="EmulatorOptions.KeepRequests"/>.</summary>
    public IReadOnlyList<ReceivedRequest> Requests => _app.Services.GetRequiredService<RequestLog>().Snapshot();

    /// <summary>
    /// Starts an emulator on ports of 127.0.0.1 that the operating system chooses. It stores the last 256 requests.
    /// <paramref name="configure"/> may change these options.
    /// </summary>
    public static Task<UpstreamEmulatorHost> StartAsync(
        Action<EmulatorOptions>? configure = null, CancellationToken cancellationToken = default)
    {
        var options = new EmulatorOptions
        {
            Http1 = [new(System.Net.IPAddress.Loopback, 0)],
            H2c = [new(System.Net.IPAddress.Loopback, 0)],
            KeepRequests = 256,
        };
        configure?.Invoke(options);
        return StartAsync(options, cancellationToken);
    }

    public static async Task<UpstreamEmulatorHost> StartAsync(EmulatorOptions options, CancellationToken cancellationToken = default)
    {
        var (app, listeners) = EmulatorApp.Build(options);
        await app.StartAsync(cancellationToken);
        return new(app, listeners);
    }

    /// <summary>
    /// Adds marker blocks that apply to every following model request as if its prompt began with them, for instance
    /// <c>[[emu model=openai/gpt-5 status=503]]</c> or
    /// <c>[[emu call=1 tool=search_web args={"query":"kettle"}]] [[emu call=2 text="Here you are."]]</c>.
    /// The markers of a prompt are applied after these.
    /// </summary>
    /// <exception cref="FormatException">The markers are not valid.</exception>
    public void Direct(string markers) => _app.Services.GetRequiredService<StandingDirections<Directions>>().Add(markers);

    public void ClearDirections() => _app.Services.GetRequiredService<StandingDirections<Directions>>().Clear();

    /// <summary>
    /// Adds marker blocks for Serper, SerpAPI, eBay, S3, Resend, Google and Sentry, for instance <c>[[emu at=ebay/search status=503]] [[emu
    /// at=serper hang=before-headers]]</c>. <see cref="Direct"/> applies to model requests only.
    /// </summary>
    /// <exception cref="FormatException">The markers are not valid.</exception>
    public void DirectRest(string markers) => _app.Services.GetRequiredService<StandingDirections<RestDirections>>().Add(markers);

    public void ClearRestDirections() => _app.Services.GetRequiredService<StandingDirections<RestDirections>>().Clear();

    /// <summary>Waits for the next mail that no call of this method has returned yet.</summary>
    public ValueTask<ReceivedMail> NextMailAsync(CancellationToken cancellationToken = default) =>
        _app.Services.GetRequiredService<MailBox>().Accepted.ReadAsync(cancellationToken);

    /// <summary>Revokes every eBay token that the emulator has issued.</summary>
    public void RevokeEbayTokens() => _app.Services.GetRequiredService<EbayTokens>().Revoke();

    /// <summary>The id of the key that signs Google's ID tokens.</summary>
    public string GoogleKeyId => _app.Services.GetRequiredService<GoogleSigningKeys>().Current.Id;

    /// <summary>Signs Google's ID tokens with a new key. The key before stays published until the next rotation.</summary>
    public void RotateGoogleKeys() => _app.Services.GetRequiredService<GoogleSigningKeys>().Rotate();

    /// <summary>Sets where Gmail's notifications are pushed, and the audience of their tokens.</summary>
    public void PushTo(string url, string audience)
    {
        var options = _app.Services.GetRequiredService<EmulatorOptions>();
        (options.PushUrl, options.PushAudience) = (url, audience);
    }

    /// <summary>The body of a push notification about a mailbox.</summary>
    public string PushEnvelope(string account, ulong historyId, string messageId) =>
        _app.Services.GetRequiredService<PubSubPush>().Envelope(account, historyId, messageId);

    /// <summary>A token of the push subscription.</summary>
    /// <param name="change">Changes the claims; null: Google's.</param>
    /// <param name="fault">
    /// The fault of the signature: <c>none</c>, <c>other-key</c>, <c>bad-signature</c>, <c>hs256</c> or <c>no-signature</c>.
    /// </param>
    public string PushToken(Action<Dictionary<string, object>>? change = null, string fault = "none")
    {
        var claims = _app.Services.GetRequiredService<PubSubPush>().Claims();
        change?.Invoke(claims);
        return IdTokens.Sign(
            _app.Services.GetRequiredService<GoogleSigningKeys>(), claims, Markers.MarkerValues.EnumValue<IdTokenFault>(fault));
    }

    /// <summary>Puts a mail into an emulated mailbox, without a push.</summary>
    /// <param name="account">The address of the mailbox.</param>
    /// <param name="raw">The mail; null: a sample.</param>
    /// <param name="sample">The sample, for instance <c>amazon</c>.</param>
    /// <param name="number">The number in order and tracking numbers of a sample.</param>
    /// <param name="label">Where it arrives: <c>INBOX</c> or <c>SPAM</c>.</param>
    /// <returns>The id of the message.</returns>
    public string Deliver(string account, byte[]? raw = null, string sample = "amazon", int number = 1, string label = "INBOX")
    {
        var now = _app.Services.GetRequiredService<TimeProvider>().GetUtcNow();
        var box = _app.Services.GetRequiredService<Mailboxes>().Of(account);
        return box.Deliver(raw ?? SampleMails.Compose(sample, account, number, now)!, now, [label]).Id;
    }

    /// <summary>Moves a message into the inbox, as a user does with a mail that is no spam.</summary>
    public void RestoreMail(string account, string id) => _app.Services.GetRequiredService<Mailboxes>().Of(account).Restore(id);

    /// <summary>Lets every request for a message fail with 500.</summary>
    public void FailMail(string id) => _app.Services.GetRequiredService<Mailboxes>().Failing.TryAdd(id, 0);

    /// <summary>Deletes a message of a mailbox. Its history stays.</summary>
    public void DeleteMail(string account, string id) => _app.Services.GetRequiredService<Mailboxes>().Of(account).Delete(id);

    /// <summary>The present history id of a mailbox.</summary>
    public ulong HistoryId(string account) => _app.Services.GetRequiredService<Mailboxes>().Of(account).HistoryId;

    /// <summary>When the watch of a mailbox ends; null: it is not watched.</summary>
    public DateTimeOffset? WatchedUntil(string account) => _app.Services.GetRequiredService<Mailboxes>().Of(account).Watch?.Until;

    /// <summary>Forgets the history of a mailbox: a cursor from before gets 404.</summary>
    public void ForgetHistory(string account) => _app.Services.GetRequiredService<Mailboxes>().Of(account).ForgetHistory();

    /// <summary>The number of consents of an account that are not revoked.</summary>
    public int Consents(string account) => _app.Services.GetRequiredService<GoogleGrants>().CountOf(account);

    /// <summary>Revokes every consent of an account.</summary>
    public void RevokeConsents(string account) => _app.Services.GetRequiredService<GoogleGrants>().RevokeAccount(account);

    /// <summary>Ends all access tokens that Google has issued.</summary>
    public void ExpireAccessTokens() => _app.Services.GetRequiredService<GoogleGrants>().ExpireAccess();

    public Task WaitForShutdownAsync(CancellationToken cancellationToken = default) => _app.WaitForShutdownAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
