using System.Globalization;
using System.Text.Json;
using Sendcat.Reliability.Outbound;

namespace Sendcat.Integrations.WhatsApp;

/// <summary>
/// What one delivery of the webhook of the WhatsApp Cloud API contains. Reading never throws; what is not understood is left out, because a
/// refused delivery comes again for a week.
/// </summary>
/// <param name="Messages">Messages of users, in the order of the delivery.</param>
/// <param name="Statuses">What became of messages that we sent; they may come out of order.</param>
/// <param name="IdChanges">Users whose phone number or id changed.</param>
/// <param name="Errors">Errors that Meta reports for the account itself.</param>
public sealed record WhatsAppDelivery(
    IReadOnlyList<WhatsAppMessage> Messages, IReadOnlyList<WhatsAppStatus> Statuses, IReadOnlyList<WhatsAppIdChange> IdChanges, int Errors)
{
    private const int MostEntries = 1_000;
    private const int LongestId = 256;

    /// <summary>The most levels of nested objects and arrays in a delivery.</summary>
    public const int MaxDepth = 32;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaxDepth };

    /// <summary>Nothing to do: to be acknowledged and counted.</summary>
    public bool IsEmpty => Messages.Count == 0 && Statuses.Count == 0 && IdChanges.Count == 0;

    /// <summary>Null: the body is no JSON object, or its <c>entry</c> is no list. Without <c>entry</c> the delivery is empty.</summary>
    public static WhatsAppDelivery? Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body, Options);
            var root = json.RootElement;
            return root.ValueKind is not JsonValueKind.Object
                || (root.TryGetPart("entry", out var entry) && entry.ValueKind is not JsonValueKind.Array)
                ? null
                : Read(root);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static WhatsAppDelivery Read(JsonElement root)
    {
        var messages = new List<WhatsAppMessage>();
        var statuses = new List<WhatsAppStatus>();
        var idChanges = new List<WhatsAppIdChange>();
        var errors = 0;
        foreach (var change in root.Items("entry").Take(MostEntries).SelectMany(entry => entry.Items("changes")).Take(MostEntries))
        {
            if (change.Part("value") is not { } value)
            {
                continue;
            }

            var field = change.Text("field");
            if (field == "user_id_update")
            {
                idChanges.AddRange(value.Items("user_id_update").Take(MostEntries).Select(IdChange).OfType<WhatsAppIdChange>());
            }
            else if (field == "messages")
            {
                var contacts = value.Items("contacts").Take(MostEntries).ToArray();
                foreach (var message in value.Items("messages").Take(MostEntries))
                {
                    if (SystemChange(message) is { } changed)
                    {
                        idChanges.Add(changed);
                    }
                    else if (WhatsAppMessage.Read(message, contacts, value.Part("metadata")?.Text("phone_number_id")) is { } read)
                    {
                        messages.Add(read);
                    }
                }

                statuses.AddRange(value.Items("statuses").Take(MostEntries).Select(WhatsAppStatus.Read).OfType<WhatsAppStatus>());
                errors += value.Items("errors").Count();
            }
        }

        return new(messages, statuses, idChanges, errors);
    }

    /// <summary>A system message about a new phone number or id.</summary>
    private static WhatsAppIdChange? SystemChange(JsonElement message) =>
        message.Text("type") == "system" && message.Part("system") is { } system
            && system.Text("type") is "user_changed_number" or "customer_changed_number" or "user_id_update"
            ? IdChange(system) is { } change
                ? change with { OldPhone = change.OldPhone ?? Phone(message.Text("from")), At = Time(message.Text("timestamp")) }
                : null
            : null;

    private static WhatsAppIdChange? IdChange(JsonElement change)
    {
        var read = new WhatsAppIdChange(
            Phone(change.Text("previous_wa_id", "old_wa_id")), Phone(change.Text("wa_id", "new_wa_id")),
            Id(change.Text("previous_user_id", "old_user_id")), Id(change.Text("user_id", "new_user_id")))
        {
            At = Time(change.Text("timestamp")),
        };
        return read is { NewPhone: null, NewUserId: null } ? null : read;
    }

    /// <summary>Digits of a phone number with its country; null: no number.</summary>
    internal static string? Phone(string? text)
    {
        var digits = text?.TrimStart('+');
        return digits is { Length: >= 6 and <= 20 } && digits.All(char.IsAsciiDigit) ? digits : null;
    }

    internal static string? Id(string? text) => text is { Length: > 0 and <= LongestId } ? text : null;

    /// <summary>Seconds since 1970, as text or as number.</summary>
    internal static DateTimeOffset? Time(string? seconds) =>
        long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 253_402_300_800
            ? DateTimeOffset.FromUnixTimeSeconds(number)
            : null;
}

/// <summary>A user is the same person under another phone number or id.</summary>
public sealed record WhatsAppIdChange(string? OldPhone, string? NewPhone, string? OldUserId, string? NewUserId)
{
    /// <summary>When it happened; null: Meta does not say.</summary>
    public DateTimeOffset? At { get; init; }
}

/// <summary>What became of a message that we sent.</summary>
/// <param name="MessageId">The id that Meta gave the message.</param>
/// <param name="State">The state.</param>
/// <param name="Phone">Phone number of the recipient; null: it is hidden.</param>
/// <param name="UserId">Business-scoped id of the recipient; null without one.</param>
/// <param name="At">When it happened.</param>
/// <param name="ErrorCode">Why it failed; null without an error.</param>
public sealed record WhatsAppStatus(
    string MessageId, WhatsAppMessageState State, string? Phone, string? UserId, DateTimeOffset? At, int? ErrorCode)
{
    /// <summary>Whether this status replaces another: deliveries come out of order, and a later state is never undone.</summary>
    public bool Replaces(WhatsAppMessageState known) => State > known;

    internal static WhatsAppStatus? Read(JsonElement status)
    {
        WhatsAppMessageState? state = status.Text("status") switch
        {
            "sent" => WhatsAppMessageState.Sent,
            "delivered" => WhatsAppMessageState.Delivered,
            "read" => WhatsAppMessageState.Read,
            "played" => WhatsAppMessageState.Played,
            "failed" => WhatsAppMessageState.Failed,
            _ => null,
        };
        return WhatsAppDelivery.Id(status.Text("id")) is { } id && state is { } known
            ? new(
                id, known, WhatsAppDelivery.Phone(status.Text("recipient_id")),
                WhatsAppDelivery.Id(status.Text("recipient_user_id", "user_id")),
                WhatsAppDelivery.Time(status.Text("timestamp")),
                status.Items("errors").Select(error => error.Count("code")).FirstOrDefault(code => code is not null))
            : null;
    }
}

/// <summary>The states of a message in their order. A failed message stays failed until it is delivered after all.</summary>
public enum WhatsAppMessageState
{
    Sent,
    Failed,
    Delivered,
    Read,
    Played,
}
