using System.Text.Json;
using Sendcat.Reliability.Outbound;

namespace Sendcat.Integrations.WhatsApp;

/// <summary>A message of a user.</summary>
/// <param name="Id">The id of Meta, <c>wamid.…</c>; a redelivery has the same.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Phone">Phone number of the sender without <c>+</c>; null: the sender hides it.</param>
/// <param name="UserId">Business-scoped id of the sender, which stays when the phone number changes; null without one.</param>
public sealed record WhatsAppMessage(string Id, WhatsAppMessageKind Kind, string? Phone, string? UserId)
{
    private const int LongestText = 4_000;
    private const int LongestName = 120;

    /// <summary>Name in the sender's profile. It proves nothing.</summary>
    public string? ProfileName { get; init; }

    /// <summary>The text of a text message, or the caption of a picture or document; at most 4 000 characters.</summary>
    public string Text { get; init; } = "";

    /// <summary>The file of a picture or document.</summary>
    public WhatsAppMedia? Media { get; init; }

    /// <summary>When it was sent.</summary>
    public DateTimeOffset? SentAt { get; init; }

    /// <summary>The message to which it replies.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>The sender forwarded somebody else's message.</summary>
    public bool IsForwarded { get; init; }

    /// <summary>Our phone number that got it, as Meta's id.</summary>
    public string? ReceiverId { get; init; }

    /// <summary>Null: it has no id, or nobody can be identified as its sender.</summary>
    internal static WhatsAppMessage? Read(JsonElement message, IReadOnlyList<JsonElement> contacts, string? receiver)
    {
        var phone = WhatsAppDelivery.Phone(message.Text("from"));
        var userId = WhatsAppDelivery.Id(message.Text("from_user_id", "user_id"));
        var contact = contacts.FirstOrDefault(contact => IsOf(contact, phone, userId));
        if (contact.ValueKind is JsonValueKind.Undefined && contacts.Count == 1 && phone is null && userId is null)
        {
            contact = contacts[0];
        }

        if (contact.ValueKind is JsonValueKind.Object)
        {
            phone ??= WhatsAppDelivery.Phone(contact.Text("wa_id"));
            userId ??= WhatsAppDelivery.Id(contact.Text("user_id"));
        }

        if (WhatsAppDelivery.Id(message.Text("id")) is not { } id || (phone is null && userId is null))
        {
            return null;
        }

        var (kind, text, media) = Content(message);
        return new(id, kind, phone, userId)
        {
            ProfileName = contact.ValueKind is JsonValueKind.Object
                ? Row.Cut(contact.Part("profile")?.Text("name", "username"), LongestName)
                : null,
            Text = Row.Cut(text ?? "", LongestText),
            Media = media,
            SentAt = WhatsAppDelivery.Time(message.Text("timestamp")),
            ReplyTo = WhatsAppDelivery.Id(message.Part("context")?.Text("id")),
            IsForwarded = message.Part("context") is { } context
                && (IsTrue(context, "forwarded") || IsTrue(context, "frequently_forwarded")),
            ReceiverId = WhatsAppDelivery.Id(receiver),
        };
    }

    private static (WhatsAppMessageKind Kind, string? Text, WhatsAppMedia? Media) Content(JsonElement message) =>
        message.Text("type") switch
    {
        "text" => (WhatsAppMessageKind.Text, message.Part("text")?.Text("body"), null),
        "button" => (WhatsAppMessageKind.Text, message.Part("button")?.Text("text"), null),
        "interactive" when message.Part("interactive") is { } interactive =>
            (WhatsAppMessageKind.Text, (interactive.Part("button_reply") ?? interactive.Part("list_reply"))?.Text("title"), null),
        "image" when WhatsAppMedia.Read(message.Part("image")) is { } image => (
            WhatsAppMessageKind.Image, message.Part("image")?.Text("caption"), image),
        "document" when WhatsAppMedia.Read(message.Part("document")) is { } document => (
            WhatsAppMessageKind.Document, message.Part("document")?.Text("caption"), document),
        "audio" or "video" or "sticker" or "location" or "contacts" => (WhatsAppMessageKind.Unsupported, null, null),
        _ => (WhatsAppMessageKind.Other, null, null),
    };

    private static bool IsOf(JsonElement contact, string? phone, string? userId) =>
        (userId is not null && contact.Text("user_id") == userId)
            || (phone is not null && WhatsAppDelivery.Phone(contact.Text("wa_id")) == phone);

    private static bool IsTrue(JsonElement element, string name) => element.Part(name) is { ValueKind: JsonValueKind.True };
}

/// <summary>What a message is.</summary>
public enum WhatsAppMessageKind
{
    /// <summary>A reaction, or what Meta itself does not hand over: nobody waits for an answer.</summary>
    Other,
    Text,
    Image,
    Document,

    /// <summary>A voice message, video, sticker, location or contact: nothing to read, and its sender waits for an answer.</summary>
    Unsupported,
}

/// <summary>A file of a message. Its address is looked up by its id, because it lives for minutes only.</summary>
/// <param name="Id">Id of the file.</param>
/// <param name="MediaType">As the sender's phone says, without parameters.</param>
/// <param name="Sha256">Base64 of its hash; null without one.</param>
/// <param name="FileName">Name without folders; null without one.</param>
public sealed record WhatsAppMedia(string Id, string MediaType, string? Sha256, string? FileName)
{
    internal static WhatsAppMedia? Read(JsonElement? media) =>
        media is { } file && file.Text("id") is { Length: <= 100 } id && id.All(char.IsAsciiLetterOrDigit)
            ? new(
                id, (file.Text("mime_type") ?? "application/octet-stream").Split(';')[0].Trim().ToLowerInvariant(), file.Text("sha256"),
                file.Text("filename") is { } name ? Row.Cut(name[(name.LastIndexOfAny(['/', '\\']) + 1)..], 200) : null)
            : null;
}
