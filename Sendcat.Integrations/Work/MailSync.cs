using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Integrations.Work;

public sealed partial record QueuedWork
{
    /// <summary>Reads connected mailboxes, and ends consents that users gave up.</summary>
    public static readonly QueuedWork MailSync = new(
        new("mail_sync", Number: 5, QosClass.Background, knobs => knobs.Of<MailSyncOptions>().Caps)
        {
            RetryDelays = knobs => knobs.Of<MailSyncOptions>().RetryDelays,
            Alerts = knobs => knobs.Of<MailSyncOptions>().Thresholds,
            ErasesArguments = true,
        },
        [GmailOAuthProvider.Provider, GmailProvider.Provider, ExtractionProvider.Provider],
        services => services.AddKnobs<MailSyncOptions>().AddKnobs<GmailOAuthLimitOptions>().AddKnobs<GmailLimitOptions>()
            .AddKnobs<ExtractionLimitOptions>());
}

/// <summary>Knobs of <see cref="QueuedWork.MailSync"/>.</summary>
public sealed class MailSyncOptions
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(10);

    /// <summary>Maximum number of mailboxes that are read at the same time, over all workers.</summary>
    [Knob("MAIL_LANE_RUNMAX"), Range(1, 100)]
    public int RunMax { get; set; } = 2;

    /// <summary>
    /// Attempts before a job of the lane is a dead letter. Waiting for Gmail or for another sync of the mailbox is no attempt.
    /// </summary>
    [Knob("MAIL_SYNC_MAX_ATTEMPTS"), Range(1, 100)]
    public int MaxAttempts { get; set; } = 10;

    /// <summary>Delay before the second attempt of a job. It doubles with each further attempt, up to ten minutes.</summary>
    [Knob("MAIL_SYNC_RETRY_BASE_MS"), Range(100, 600_000)]
    public int RetryBaseMs { get; set; } = 5_000;

    /// <summary>More due jobs of the lane than this raise an alert.</summary>
    [Knob("MAIL_SYNC_ALERT_MAX_QUEUED"), Range(1, 500_000)]
    public int AlertMaxQueued { get; set; } = 500;

    /// <summary>More dead letters of the lane than this raise an alert.</summary>
    [Knob("MAIL_SYNC_ALERT_MAX_DLQ"), Range(0, 500_000)]
    public int AlertMaxDeadLetters { get; set; } = 5;

    /// <summary>A job of the lane that has been due for longer than this raises an alert.</summary>
    [Knob("MAIL_SYNC_ALERT_MAX_QUEUED_AGE_MS"), Range(1_000, 86_400_000)]
    public int AlertMaxQueuedAgeMs { get; set; } = 900_000;

    /// <summary>A job of the lane that runs for longer than this raises an alert.</summary>
    [Knob("MAIL_SYNC_ALERT_MAX_RUNNING_AGE_MS"), Range(1_000, 3_600_000)]
    public int AlertMaxRunningAgeMs { get; set; } = 180_000;

    internal LaneCaps Caps => new(null, RunMax);

    internal Backoff RetryDelays => new(TimeSpan.FromMilliseconds(RetryBaseMs), LongestDelay) { Jitter = 0.25 };

    internal LaneThresholds Thresholds => new(
        AlertMaxQueued, AlertMaxDeadLetters, TimeSpan.FromMilliseconds(AlertMaxQueuedAgeMs),
        TimeSpan.FromMilliseconds(AlertMaxRunningAgeMs));
}

/// <summary>The arguments of a job of <see cref="QueuedWork.MailSync"/>: a sync, or a consent to end.</summary>
public sealed record MailSyncJob
{
    /// <summary>The sync to run; null: another work.</summary>
    public Guid? Sync { get; init; }

    /// <summary>
    /// The mailbox of a sync that a notification of Gmail has caused: its row is created when it begins. Null: the sync has a row.
    /// </summary>
    public Guid? Mailbox { get; init; }

    /// <summary>The consent to end; null: another work.</summary>
    public EndedConsent? Ended { get; init; }
}

/// <summary>A consent that its user gave up, by disconnecting the mailbox or by deleting the account.</summary>
/// <param name="UserId">The user, to whom the token was encrypted.</param>
/// <param name="Email">The normalized address of the mailbox.</param>
/// <param name="RefreshToken">The encrypted refresh token.</param>
/// <param name="ConnectedAt">When the consent was given. If the mailbox was connected again since, revoking would end that consent as
/// well.</param>
public sealed record EndedConsent(string UserId, string Email, string RefreshToken, DateTimeOffset ConnectedAt);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MailSyncJob))]
public sealed partial class MailSyncJson : JsonSerializerContext;
