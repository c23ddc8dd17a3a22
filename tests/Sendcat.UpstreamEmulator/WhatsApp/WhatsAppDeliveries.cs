using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sendcat.UpstreamEmulator.WhatsApp;

/// <summary>Composes deliveries as Meta does, signs them and posts them to the webhook.</summary>
public sealed class WhatsAppDeliveries : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    // Meta escapes everything but ASCII, and also HTML characters, before it signs.
    private static readonly JsonSerializerOptions Escaping = new() { Encoder = JavaScriptEncoder.Default };

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Timeout };
    private readonly EmulatorOptions _options;
    private readonly MediaFiles _files;
    private readonly TimeProvider _clock;

    internal WhatsAppDeliveries(EmulatorOptions options, MediaFiles files, TimeProvider clock) =>
        (_options, _files, _clock) = (options, files, clock);

    /// <summary>The bytes of a delivery with one message.</summary>
    /// <returns>The body, and the id of the message.</returns>
    /// <exception cref="FormatException">The kind is unknown.</exception>
    public (byte[] Body, string MessageId) Compose(WhatsAppSample sample)
    {
        var id = sample.Id ?? $"wamid.{Convert.ToBase64String(RandomNumberGenerator.GetBytes(24))}";
        var phone = sample.From ?? (sample.UserId is null ? "18765550123" : null);
        var value = new JsonObject
        {
            ["messaging_product"] = "whatsapp",
            [
                "metadata"] = new JsonObject { ["display_phone_number"] = "18765550100",
                ["phone_number_id"] = sample.PhoneNumberId ?? WhatsAppSample.DefaultPhoneNumberId },
        };
        if (sample.Kind is "status")
        {
            var status = new JsonObject
            {
                ["id"] = id, ["status"] = sample.Text ?? "delivered", ["timestamp"] = Now(), ["recipient_id"] = phone,
            };
            value["statuses"] = new JsonArray(status);
        }
        else
        {
            var message = new JsonObject { ["id"] = id, ["timestamp"] = Now(), ["type"] = sample.Kind };
            Put(message, "from", phone);
            Put(message, "from_user_id", sample.UserId);
            message[sample.Kind] = Content(sample);
            var contact = new JsonObject { ["profile"] = new JsonObject { ["name"] = "Ann" } };
            Put(contact, "wa_id", phone);
            Put(contact, "user_id", sample.UserId);
            value["contacts"] = new JsonArray(contact);
            value["messages"] = new JsonArray(message);
        }

        var delivery = new JsonObject
        {
            ["object"] = "whatsapp_business_account",
            ["entry"] = new JsonArray(
                new JsonObject { ["id"] = "102290129340398", ["changes"] = new JsonArray(
                    new JsonObject { ["field"] = "messages", ["value"] = value }) }),
        };
        return (Encoding.UTF8.GetBytes(delivery.ToJsonString(Escaping)), id);
    }

    /// <summary>The value of <c>X-Hub-Signature-256</c>.</summary>
    public string Sign(byte[] body) =>
        $"sha256={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(_options.WhatsAppAppSecret), body))}";

    /// <summary>Composes, signs and posts a delivery.</summary>
    /// <returns>Null when no webhook is configured.</returns>
    public async Task<WhatsAppDelivered?> DeliverAsync(WhatsAppSample sample, CancellationToken cancellationToken)
    {
        if (_options.WhatsAppWebhookUrl is not { Length: > 0 } url)
        {
            return null;
        }

        var (body, id) = Compose(sample);
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add("X-Hub-Signature-256", Sign(body));
        using var response = await _http.SendAsync(request, cancellationToken);
        return new(
            id, (int)response.StatusCode, response.Headers.Contains("X-Idempotent-Replay"),
            await response.Content.ReadAsStringAsync(cancellationToken));
    }

    public void Dispose() => _http.Dispose();

    private JsonNode Content(WhatsAppSample sample)
    {
        switch (sample.Kind)
        {
            case "text":
                return new JsonObject { ["body"] = sample.Text ?? "Hello" };
            case "image" or "document":
                var isPdf = sample.Kind == "document";
                var file = _files.Add(
                    isPdf ? DrawnFiles.Pdf(sample.Text ?? "") : DrawnFiles.Png(sample.Text ?? ""), isPdf ? "application/pdf" : "image/png");
                var content =
                    new JsonObject { ["id"] = file.Id, ["mime_type"] = file.MediaType, ["sha256"] = Convert.ToBase64String(file.Sha256) };
                Put(content, "caption", sample.Caption);
                Put(content, "filename", isPdf ? "invoice.pdf" : null);
                return content;
            case "audio":
                return new JsonObject { ["id"] = "1908647269898587", ["mime_type"] = "audio/ogg; codecs=opus", ["voice"] = true };
            case "video" or "sticker":
                return new JsonObject { ["id"] = "1908647269898588", ["mime_type"] = sample.Kind == "video" ? "video/mp4" : "image/webp" };
            case "location":
                return new JsonObject { ["latitude"] = 18.0179, ["longitude"] = -76.8099 };
            case "contacts":
                return new JsonArray(new JsonObject { ["name"] = new JsonObject { ["formatted_name"] = "Bob" } });
            case "reaction":
                return new JsonObject { ["message_id"] = "wamid.of-ours", ["emoji"] = "👍" };
            default:
                throw new FormatException(
                    "kind must be text, image, document, audio, video, sticker, location, contacts, reaction or status");
        }
    }

    private string Now() => _clock.GetUtcNow().ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static void Put(JsonObject target, string name, string? value)
    {
        if (value is not null)
        {
            target[name] = value;
        }
    }
}

/// <summary>A delivery to compose.</summary>
/// <param name="Kind">
/// <c>text</c>, <c>image</c>, <c>document</c>, <c>status</c>, or what nobody reads: <c>audio</c>, <c>video</c>, <c>sticker</c>,
/// <c>location</c>, <c>contacts</c>, <c>reaction</c>.
/// </param>
/// <param name="Text">The text; what the picture or the document shows; the status.</param>
public sealed record WhatsAppSample(string Kind, string? Text = null)
{
    public const string DefaultPhoneNumberId = "106540352242922";

    /// <summary>Phone number of the sender; null: a default, or none when there is an id.</summary>
    public string? From { get; init; }

    /// <summary>Business-scoped id of the sender.</summary>
    public string? UserId { get; init; }

    /// <summary>The text beside a picture or a document.</summary>
    public string? Caption { get; init; }

    /// <summary>Id of the message, to deliver it again; null: a new one.</summary>
    public string? Id { get; init; }

    /// <summary>The number that gets it.</summary>
    public string? PhoneNumberId { get; init; }
}

/// <summary>The response of the webhook.</summary>
/// <param name="Replay">It said that it had the message before.</param>
public sealed record WhatsAppDelivered(string MessageId, int Status, bool Replay, string Body);
