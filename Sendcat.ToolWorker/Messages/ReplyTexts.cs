using System.Globalization;
using Sendcat.Integrations.Orders;
using Sendcat.Integrations.WhatsApp;

namespace Sendcat.ToolWorker.Messages;

/// <summary>
/// What users read. No reply contains text of a message or of a model: a forged invoice cannot make us write its words to anybody.
/// </summary>
internal static class ReplyTexts
{
    public const string HowToLink =
        "Hello! This number reads order confirmations and parcel photos of Sendcat users. To link your phone, sign in to Sendcat, open "
            + "Settings > WhatsApp, "
        + "and send me the six characters that you see there.";

    public const string UnknownCode =
        "This code is not valid or has expired. Get a new one in Sendcat under Settings > WhatsApp and send it within ten minutes.";

    public const string TooManyCodes = "Too many wrong codes. Wait ten minutes, then get a new code in Sendcat under Settings > WhatsApp.";

    public const string AlreadyRead = "I have read this. You find it in Sendcat under Drafts.";

    public const string NothingFound =
        "I found no order number and no tracking number. Send the order confirmation as text, as a screenshot or as a PDF.";

    public const string Unsupported =
        "I cannot read voice messages, videos, stickers, locations and contacts. Send the order confirmation as text, as a screenshot or "
            + "as a PDF, or a photo of the parcel's label.";

    public const string Unavailable = "I could not read this. Please send it again later.";

    public static string Of(LinkOutcome outcome) => outcome switch
    {
        LinkOutcome.Linked =>
            "Your phone is linked. Send me order confirmations, screenshots, invoices or photos of parcel labels, and I put them into "
                + "Sendcat.",
        LinkOutcome.LinkedBefore => "Your phone was linked to this account before. Nothing has changed.",
        LinkOutcome.OtherAccount => "Your phone is linked to another Sendcat account. Disconnect it there first, then send the code again.",
        LinkOutcome.UnknownCode => UnknownCode,
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, null),
    };

    /// <param name="reason">See <see cref="MediaResult.Unreadable"/>.</param>
    /// <param name="maxBytes">Largest file that is read.</param>
    public static string Unreadable(string reason, int maxBytes) => reason switch
    {
        "size" => string.Create(
            CultureInfo.InvariantCulture, $"This file is too large. I read files of up to {maxBytes / 1024 / 1024} MB."),
        "type" => "I cannot read this kind of file. Send a photo (JPEG, PNG, WebP) or a PDF.",
        "gone" or "host" or "redirect" => "I could not get this file from WhatsApp. Please send it again.",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, null),
    };

    public static string Of(IntakeResult result) => result switch
    {
        { IsRepeat: true } => AlreadyRead,
        { Status: EvidenceStatus.Extracted } => Found(result),
        { Status: EvidenceStatus.Failed or EvidenceStatus.Ignored } => NothingFound,
        { Status: EvidenceStatus.Pending } => Unavailable,
        _ => throw new ArgumentOutOfRangeException(nameof(result), result.Status, null),
    };

    private static string Found(IntakeResult result)
    {
        var drafts = (result.DraftsCreated, result.DraftsUpdated) switch
        {
            ( > 0, > 0) => $"{Count(result.DraftsCreated, "new draft")} and an update of {Count(result.DraftsUpdated, "draft")}",
            ( > 0, _) => Count(result.DraftsCreated, "new draft"),
            _ => $"an update of {Count(result.DraftsUpdated, "draft")}",
        };
        var added = result.PreAlerts > 0 ? $"{Count(result.PreAlerts, "pre-alert")} added. " : "";
        return $"Got it: {drafts}. {added}Check and confirm in Sendcat under Drafts.";
    }

    private static string Count(int count, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");
}
