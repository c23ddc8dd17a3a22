using System.Globalization;
using System.Text.Json;
using Sendcat.Integrations.Mail;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Mail.Resend;

/// <summary>What became of a mail that was sent.</summary>
/// <param name="Outcome">What it means for the addresses; null: nothing.</param>
/// <param name="At">When it happened.</param>
/// <param name="Recipients">The addresses of the mail.</param>
internal sealed record ResendEvent(MailOutcome? Outcome, DateTimeOffset At, IReadOnlyList<string> Recipients)
{
    private const int MostRecipients = 50;
    private const int LongestAddress = 320;
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaxDepth };

    /// <summary>The most levels of nested objects and arrays in a delivery.</summary>
    public const int MaxDepth = 32;

    /// <summary>Null: no JSON object with a type.</summary>
    public static ResendEvent? Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body, Options);
            return json.RootElement.Text("type") is { } type && json.RootElement.Part("type") is { ValueKind: JsonValueKind.String }
                ? Read(type, json.RootElement)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ResendEvent Read(string type, JsonElement root)
    {
        var data = root.Part("data") ?? default;
        MailOutcome? outcome = type switch
        {
            "email.delivered" => MailOutcome.Delivered,
            "email.complained" => MailOutcome.Complained,
            "email.suppressed" => MailOutcome.Bounced,
            // A transient bounce, such as a full mailbox, says nothing about the next mail.
            "email.bounced" when data.Part("bounce")?.Text("type") is not ("Transient" or "Undetermined") => MailOutcome.Bounced,
            _ => null,
        };
        return new(
            outcome,
            DateTimeOffset.TryParse(
                root.Text("created_at"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
                out var at)
                ? at
                : DateTimeOffset.MinValue,
            [.. Addresses(data).Where(address => address.Length <= LongestAddress).Take(MostRecipients)]);
    }

    private static IEnumerable<string> Addresses(JsonElement data) =>
        data.Part("to") is { ValueKind: JsonValueKind.String } ? [data.Text("to") ?? ""]
        : data.Items("to").Where(address => address.ValueKind is JsonValueKind.String).Select(LenientJsonString.ReadWellFormed)
            .OfType<string>();
}
