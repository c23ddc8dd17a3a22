using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;

namespace Sendcat.KillRig.Delivering;

/// <summary>
/// Puts mails into one connected mailbox of the emulated Google and notifies the replicas as Pub/Sub does while they are killed. Each mail
/// is about a shipped order of its own, which becomes a draft with a pre-alert.
/// </summary>
/// <param name="replicas">The addresses of the replicas.</param>
/// <param name="emulator">The emulated Google.</param>
/// <param name="perSecond">New mails per second.</param>
/// <param name="time">The clock.</param>
internal sealed class SimulatedGoogle(IReadOnlyList<Uri> replicas, Uri emulator, double perSecond, TimeProvider time) : IAsyncDisposable
{
    private const string PushToken = "rig";
    private const string User = "bob";

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(20);

    private readonly HttpClient _http = new() { Timeout = RequestTimeout };

    public RepeatedDeliveries<NotifiedMail> Deliveries { get; } = new(replicas.Count, perSecond, time);

    /// <summary>The settings of replicas and workers that point at the emulated Google.</summary>
    public static IReadOnlyDictionary<string, string?> Settings(Uri emulator) => new Dictionary<string, string?>
    {
        ["GOOGLE_OAUTH_BASE_URL"] = new Uri(emulator, "google").ToString(),
        ["GOOGLE_JWKS_URL"] = new Uri(emulator, "google/oauth2/v3/certs").ToString(),
        ["GMAIL_BASE_URL"] = new Uri(emulator, "gmail").ToString(),
        ["GMAIL_OAUTH_CLIENT_ID"] = "client",
        ["GMAIL_OAUTH_CLIENT_SECRET"] = "secret",
        ["GMAIL_PUBSUB_TOPIC"] = "projects/emulator/topics/gmail",
        ["GMAIL_PUSHAUTH_MODE"] = "token",
        ["GMAIL_PUBSUB_VERIFY_TOKEN"] = PushToken,
        ["MAIL_SYNC_RETRY_BASE_MS"] = "500",
        ["ENCRYPTION_KEY"] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        ["ALLOWED_ORIGINS"] = "https://app.rig.example",
        ["API_PUBLIC_URL"] = "https://api.rig.example",
    };

    /// <summary>Makes an account, connects its mailbox, and waits until the empty mailbox was read. No fault is injected yet.</summary>
    /// <exception cref="InvalidOperationException">The mailbox was not connected.</exception>
    /// <exception cref="TimeoutException">It was not read within a minute.</exception>
    public async Task ConnectAsync(CancellationToken cancellationToken)
    {
        using var user = await RigAccount.CreateAsync(replicas[0], User, cancellationToken);
        (await user.Http.PutAsync("api/preferences", RigAccount.Json("""{"autoCreatePreAlerts":true}"""), cancellationToken))
            .EnsureSuccessStatusCode();
        using var connect = await user.Http.PostAsync("api/gmail/connect", null, cancellationToken);
        var page = await RigAccount.TextAsync(connect, "url", cancellationToken);
        using var agreed = await user.Http.GetAsync(new Uri($"{page}&account={RigAccount.AddressOf(User)}"), cancellationToken);

        // The callback is at the public address of the API, which this run does not have.
        using var callback = new HttpRequestMessage(HttpMethod.Get, agreed.Headers.Location!.PathAndQuery);
        callback.Headers.Add("Cookie", string.Join("; ", connect.Headers.GetValues("Set-Cookie").Select(cookie => cookie.Split(';')[0])));
        using var returned = await user.Http.SendAsync(callback, cancellationToken);
        if (returned.Headers.Location?.ToString().EndsWith("gmail=connected", StringComparison.Ordinal) is not true)
        {
            throw new InvalidOperationException($"The mailbox was not connected: {returned.StatusCode} {returned.Headers.Location}");
        }

        await user.UntilAsync(
            "api/gmail/status",
            status => status.TryGetProperty("sync", out var sync) && sync.GetProperty("state").GetString() == "completed",
            time, cancellationToken);
    }

    public void Start() => Deliveries.Start(ArriveAsync, NotifyAsync);

    public async ValueTask DisposeAsync()
    {
        await Deliveries.DisposeAsync();
        _http.Dispose();
    }

    private async Task<NotifiedMail> ArriveAsync(int delivery)
    {
        var number = 1 + delivery;
        var query = string.Create(
            CultureInfo.InvariantCulture,
            $"gmail/emulator/deliver?to={RigAccount.AddressOf(User)}&sample=amazon-shipped&number={number}&push=false");
        using var response = await _http.PostAsync(new Uri(emulator, query), null);
        response.EnsureSuccessStatusCode();
        var arrived = await response.Content.ReadFromJsonAsync<JsonElement>();

        // The numbers that the emulator's sample has.
        return new(
            arrived.GetProperty("first").GetString()!,
            string.Create(CultureInfo.InvariantCulture, $"114-3000000-{number:D7}"),
            string.Create(CultureInfo.InvariantCulture, $"TBA{300_123_456_000 + number:D12}"),
            arrived.GetProperty("historyId").GetUInt64());
    }

    private async Task<bool?> NotifyAsync(int replica, NotifiedMail mail)
    {
        var data = JsonSerializer.SerializeToUtf8Bytes(
            new { emailAddress = RigAccount.AddressOf(User), historyId = mail.HistoryId });
        var envelope = new
        {
            message = new { data = Convert.ToBase64String(data), messageId = $"rig-{mail.Id}" },
            subscription = "projects/emulator/subscriptions/gmail-push",
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(replicas[replica], "api/gmail/push"))
        {
            Content = RigAccount.Json(JsonSerializer.Serialize(envelope)),
        };
        request.Headers.Add("x-pubsub-token", PushToken);
        return await Acknowledgements.SendAsync(_http, request);
    }
}

/// <summary>A mail whose notification a replica has acknowledged.</summary>
/// <param name="Id">Gmail's id of the mail.</param>
/// <param name="Order">Its order number, which no other mail contains.</param>
/// <param name="TrackingNumber">The tracking number of its parcel, which no other mail contains.</param>
/// <param name="HistoryId">Where the mailbox was when the mail had arrived.</param>
internal sealed record NotifiedMail(string Id, string Order, string TrackingNumber, ulong HistoryId);
