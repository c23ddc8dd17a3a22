using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Sendcat.KillRig.Delivering;

/// <summary>
/// Delivers WhatsApp messages of one linked user as Meta does while the replicas are killed. It signs each delivery. Each message contains
/// an order of its own.
/// </summary>
/// <param name="replicas">The addresses of the replicas.</param>
/// <param name="perSecond">New messages per second.</param>
/// <param name="time">The clock.</param>
internal sealed class SimulatedMeta(IReadOnlyList<Uri> replicas, double perSecond, TimeProvider time) : IAsyncDisposable
{
    public const string AppSecret = "rig";
    public const string PhoneNumberId = "106540352242922";

    private const string Phone = "18765550177";

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(20);

    private readonly HttpClient _http = new() { Timeout = RequestTimeout };

    public RepeatedDeliveries<AcknowledgedMessage> Deliveries { get; } = new(replicas.Count, perSecond, time);

    /// <summary>Makes an account and links it with the sender. No fault is injected yet.</summary>
    /// <exception cref="TimeoutException">The sender was not linked within a minute.</exception>
    public async Task LinkAsync(CancellationToken cancellationToken)
    {
        using var user = await RigAccount.CreateAsync(replicas[0], "ann", cancellationToken);
        using var requested = await user.Http.PostAsync("api/whatsapp/linking-code", null, cancellationToken);
        await DeliverAsync(replicas[0], "wamid.link", await RigAccount.TextAsync(requested, "linkingCode", cancellationToken));
        await user.UntilAsync("api/whatsapp/status", status => status.GetProperty("linked").GetBoolean(), time, cancellationToken);
    }

    public void Start() => Deliveries.Start(
        number => Task.FromResult(new AcknowledgedMessage(
            string.Create(CultureInfo.InvariantCulture, $"wamid.rig.{number}"),
            string.Create(CultureInfo.InvariantCulture, $"113-{number:D7}-{number:D7}"))),
        (replica, message) => DeliverAsync(
            replicas[replica], message.Id, $"Thanks for your Amazon order {message.Order}\nTotal: $20.00 [[emu headers=300ms]]"));

    public async ValueTask DisposeAsync()
    {
        await Deliveries.DisposeAsync();
        _http.Dispose();
    }

    /// <returns>Whether it was acknowledged as a replay; null: it was not acknowledged.</returns>
    private async Task<bool?> DeliverAsync(Uri replica, string id, string text)
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
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(replica, "api/whatsapp/webhook"))
        {
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add(
            "X-Hub-Signature-256", $"sha256={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(AppSecret), body))}");
        return await Acknowledgements.SendAsync(_http, request);
    }

    private string Now() => time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
}

/// <summary>A WhatsApp message that a replica has acknowledged.</summary>
/// <param name="Id">Meta's id of the message.</param>
/// <param name="Order">The order number in its text, which no other message contains.</param>
internal sealed record AcknowledgedMessage(string Id, string Order);
