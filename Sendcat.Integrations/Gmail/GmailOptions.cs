using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Gmail;

/// <summary>Address of Gmail's API, and the credentials with which mailboxes are connected.</summary>
public sealed class GmailOptions
{
    /// <summary>Client id for connecting mailboxes. Empty: that of <c>GOOGLE_CLIENT_ID</c>.</summary>
    [Knob("GMAIL_OAUTH_CLIENT_ID")]
    public string ClientId { get; set; } = "";

    /// <summary>Client secret for connecting mailboxes. Empty: that of <c>GOOGLE_CLIENT_SECRET</c>.</summary>
    [Knob("GMAIL_OAUTH_CLIENT_SECRET", Secret = true)]
    public string ClientSecret { get; set; } = "";

    /// <summary>Base URL of Gmail's API: <c>/gmail/v1</c> below it.</summary>
    [Knob("GMAIL_BASE_URL", StartUpOnly = true), HttpUrl]
    public string BaseUrl { get; set; } = "https://gmail.googleapis.com";

    /// <summary>
    /// Pub/Sub topic to which Gmail publishes changes of mailboxes: <c>projects/…/topics/…</c>. Empty: mailboxes are not watched, and read
    /// every half hour.
    /// </summary>
    [Knob("GMAIL_PUBSUB_TOPIC"), RegularExpression("^(projects/[^/\\s]+/topics/[^/\\s]+)?$")]
    public string Topic { get; set; } = "";

    /// <summary>Mails of one full sync that are read at most.</summary>
    [Knob("GMAIL_SYNC_MAX_MESSAGES"), Range(1, 20_000)]
    public int MaxMessages { get; set; } = 2_000;

    /// <summary>Mails of one mailbox that are read at the same time.</summary>
    [Knob("GMAIL_SYNC_PARALLEL"), Range(1, 32)]
    public int Parallel { get; set; } = 4;

    /// <summary>Attempts to read one mail before its sync goes on without it.</summary>
    [Knob("GMAIL_MESSAGE_MAX_ATTEMPTS"), Range(1, 100)]
    public int MessageMaxAttempts { get; set; } = 5;

    /// <summary>Delay before the second attempt to read one mail. It doubles with each further attempt, up to ten minutes.</summary>
    [Knob("GMAIL_MESSAGE_RETRY_BASE_MS"), Range(100, 600_000)]
    public int MessageRetryBaseMs { get; set; } = 30_000;

    /// <summary>
    /// A merchant's share of mails about orders that its parser and markup cannot read, in percent, from which parser drift is reported.
    /// </summary>
    [Knob("GMAIL_DRIFT_ALERT_PCT"), Range(1, 100)]
    public int DriftAlertPct { get; set; } = 30;

    /// <summary>Mails of a merchant about orders within a day that are needed to report parser drift.</summary>
    [Knob("GMAIL_DRIFT_MIN_MAILS"), Range(1, 10_000)]
    public int DriftMinMails { get; set; } = 20;
}
