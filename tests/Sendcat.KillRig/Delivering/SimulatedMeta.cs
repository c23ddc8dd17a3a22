using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Sendcat.KillRig.Delivering;

/// <summary>
/// Delivers WhatsApp messages of one linked user as Meta does while the replicas are killed: it signs each, delivers it again to another
/// replica until one has acknowledged it, and delivers some again after that. Each message contains an order of its own.
/// </summary>
/// <param name="replicas">The addresses of the replicas.</param>
/// <param name="perSecond">New messages per second.</param>
/// <param name="time">The clock.</param>
internal sealed class SimulatedMeta(IReadOnlyList<Uri> replicas, double perSecond, TimeProvider time) : IAsyncDisposable
{
    public const string AppSecret = "rig";
    public const string PhoneNumberId = "106540352242922";
    public const string ConfirmedDomain = "rig.example";

    private const string Phone = "18765550177";
    private const string Account = $$"""{"email":"ann@{{ConfirmedDomain}}","password":"correct horse 1"}""";

    /// <summary>Of so many messages, one is delivered again after its acknowledgement, by three requests at once.</summary>
    private const int RepeatEvery = 4;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RedeliveryDelay = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LinkTimeout = TimeSpan.FromSeconds(60);

    private readonly HttpClient _http = new() { Timeout = RequestTimeout };
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abandon = new(Timeout.InfiniteTimeSpan, time);
    private readonly ConcurrentQueue<AcknowledgedMessage> _acknowledged = [];
    private readonly ConcurrentDictionary<int, TaskCompletionSource> _next = [];
    private Task _all = Task.CompletedTask;
    private int _redeliveries;
    private int _unrecognizedReplays;

    /// <summary>The messages that a replica has acknowledged with 200.</summary>
    public IReadOnlyCollection<AcknowledgedMessage> Acknowledged => _acknowledged;

    /// <summary>Deliveries of a message after the first.</summary>
    public int Redeliveries => _redeliveries;

    /// <summary>Deliveries after an acknowledgement that were not answered as a replay.</summary>
    public int UnrecognizedReplays => _unrecognizedReplays;

    /// <summary>Makes an account and links it with the sender. No fault is injected yet.</summary>
    /// <exception cref="TimeoutException">The sender was not linked within a minute.</exception>
    public async Task LinkAsync(CancellationToken cancellationToken)
    {
        using var user = new HttpClient { BaseAddress = replicas[0] };
        (await user.PostAsync("api/auth/register", Json(Account), cancellationToken)).EnsureSuccessStatusCode();
        using var signIn = await user.PostAsync("api/auth/login", Json(Account), cancellationToken);
        user.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await TextAsync(signIn, "accessToken", cancellationToken));
        using var requested = await user.PostAsync("api/whatsapp/linking-code", null, cancellationToken);
        await DeliverAsync(replicas[0], "wamid.link", await TextAsync(requested, "linkingCode", cancellationToken), cancellationToken);
        var began = time.GetTimestamp();
        while (!(await user.GetFromJsonAsync<JsonElement>("api/whatsapp/status", cancellationToken)).GetProperty("linked").GetBoolean())
        {
            if (time.GetElapsedTime(began) > LinkTimeout)
            {
                throw new TimeoutException("The simulated sender of WhatsApp messages was not linked.");
            }

            await Task.Delay(PollInterval, time, cancellationToken);
        }
    }

    public void Start() => _all = DeliverAllAsync(_stop.Token);

    /// <summary>Sends no new messages, and delivers those that were sent until each is acknowledged, for at most a minute.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        _abandon.CancelAfter(StopTimeout);
        await _all;
    }

    /// <summary>Completes when this replica acknowledges a message.</summary>
    public Task NextAcknowledgementAsync(int replica) =>
        _next.GetOrAdd(replica, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _abandon.CancelAsync();
        await _all;
        _http.Dispose();
        _stop.Dispose();
        _abandon.Dispose();
    }

    private async Task DeliverAllAsync(CancellationToken stopping)
    {
        await Task.Yield();
        var deliveries = new List<Task>();
        for (var number = 1; !stopping.IsCancellationRequested; number++)
        {
            deliveries.Add(DeliverUntilAcknowledgedAsync(number));
            await Task.Delay(TimeSpan.FromSeconds(1 / perSecond), time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll(deliveries);
    }

    private async Task DeliverUntilAcknowledgedAsync(int number)
    {
        var message = new AcknowledgedMessage(
            string.Create(CultureInfo.InvariantCulture, $"wamid.rig.{number}"),
            string.Create(CultureInfo.InvariantCulture, $"113-{number:D7}-{number:D7}"));
        var text = $"Thanks for your Amazon order {message.Order}\nTotal: $20.00 [[emu headers=300ms]]";
        for (var attempt = number; ; attempt++)
        {
            var replica = attempt % replicas.Count;
            if (await DeliverAsync(replicas[replica], message.Id, text, CancellationToken.None) is not null)
            {
                _acknowledged.Enqueue(message);
                if (_next.TryRemove(replica, out var waiting))
                {
                    waiting.SetResult();
                }

                break;
            }

            if (_abandon.IsCancellationRequested)
            {
                return;
            }

            Interlocked.Increment(ref _redeliveries);
            await Task.Delay(RedeliveryDelay, time, _abandon.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (number % RepeatEvery == 0)
        {
            var replays = await Task.WhenAll(
                Enumerable.Range(0, 3).Select(copy => DeliverAsync(replicas[copy % replicas.Count], message.Id, text, CancellationToken.None)));
            Interlocked.Add(ref _redeliveries, replays.Length);
            Interlocked.Add(ref _unrecognizedReplays, replays.Count(replay => replay is false));
        }
    }

    /// <returns>Whether it was acknowledged as a replay; null: it was not acknowledged.</returns>
    private async Task<bool?> DeliverAsync(Uri replica, string id, string text, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new
        {
            @object = "whatsapp_business_account",
            entry = new[]
            {
                new
                {
                    id = "1",
                    changes = new[]
                    {
                        new
                        {
                            field = "messages",
                            value = new
                            {
                                messaging_product = "whatsapp",
                                metadata = new { display_phone_number = "18765550100", phone_number_id = PhoneNumberId },
                                messages = new[] { new { from = Phone, id, timestamp = Now(), type = "text", text = new { body = text } } },
                            },
                        },
                    },
                },
            },
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(replica, "api/whatsapp/webhook")) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add(
            "X-Hub-Signature-256", $"sha256={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(AppSecret), body))}");
        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            return response.IsSuccessStatusCode ? response.Headers.Contains("X-Idempotent-Replay") : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private string Now() => time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private static async Task<string> TextAsync(HttpResponseMessage response, string name, CancellationToken cancellationToken)
    {
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty(name).GetString()!;
    }
}

/// <summary>A WhatsApp message that a replica has acknowledged.</summary>
/// <param name="Id">Meta's id of the message.</param>
/// <param name="Order">The order number in its text, which no other message contains.</param>
internal sealed record AcknowledgedMessage(string Id, string Order);
