using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Integrations.Work;

public sealed partial record QueuedWork
{
    /// <summary>Sends mails.</summary>
    public static readonly QueuedWork Deliveries = new(
        new("deliveries", Number: 4, QosClass.Background, knobs => knobs.Of<DeliveryOptions>().Caps)
        {
            RetryDelays = knobs => knobs.Of<DeliveryOptions>().RetryDelays,
            Alerts = knobs => knobs.Of<DeliveryOptions>().Thresholds,
            ErasesArguments = true,
        },
        [ResendProvider.Provider],
        services => services.AddKnobs<DeliveryOptions>().AddKnobs<MailOptions>().AddKnobs<ResendLimitOptions>());
}

/// <summary>Knobs of <see cref="QueuedWork.Deliveries"/>.</summary>
public sealed class DeliveryOptions
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(10);

    /// <summary>Maximum number of mails that are sent at the same time, over all workers.</summary>
    [Knob("DELIVERY_LANE_RUNMAX"), Range(1, 100)]
    public int RunMax { get; set; } = 2;

    /// <summary>Attempts before a mail is a dead letter. With the default delays they take about an hour.</summary>
    [Knob("DELIVERY_MAX_ATTEMPTS"), Range(1, 100)]
    public int MaxAttempts { get; set; } = 12;

    /// <summary>Delay before the second attempt of a mail. It doubles with each further attempt, up to ten minutes.</summary>
    [Knob("DELIVERY_RETRY_BASE_MS"), Range(100, 600_000)]
    public int RetryBaseMs { get; set; } = 5_000;

    /// <summary>More mails than this that are due raise an alert.</summary>
    [Knob("DELIVERY_ALERT_MAX_QUEUED"), Range(1, 500_000)]
    public int AlertMaxQueued { get; set; } = 500;

    /// <summary>More dead letters of mails than this raise an alert.</summary>
    [Knob("DELIVERY_ALERT_MAX_DLQ"), Range(0, 500_000)]
    public int AlertMaxDeadLetters { get; set; } = 5;

    /// <summary>A mail that has been due for longer than this raises an alert.</summary>
    [Knob("DELIVERY_ALERT_MAX_QUEUED_AGE_MS"), Range(1_000, 86_400_000)]
    public int AlertMaxQueuedAgeMs { get; set; } = 300_000;

    /// <summary>A mail that is being sent for longer than this raises an alert.</summary>
    [Knob("DELIVERY_ALERT_MAX_RUNNING_AGE_MS"), Range(1_000, 3_600_000)]
    public int AlertMaxRunningAgeMs { get; set; } = 120_000;

    internal LaneCaps Caps => new(null, RunMax);

    internal Backoff RetryDelays => new(TimeSpan.FromMilliseconds(RetryBaseMs), LongestDelay) { Jitter = 0.25 };

    internal LaneThresholds Thresholds => new(
        AlertMaxQueued, AlertMaxDeadLetters, TimeSpan.FromMilliseconds(AlertMaxQueuedAgeMs),
        TimeSpan.FromMilliseconds(AlertMaxRunningAgeMs));
}

/// <summary>
/// A mail to send. The worker composes it, and makes its link from <paramref name="RequestedAt"/> and the signing key: each attempt sends
/// the same mail, and no usable link is stored.
/// </summary>
/// <param name="Id">The id of the job. It is also the idempotency key of the mail.</param>
/// <param name="Kind">What the mail is about.</param>
/// <param name="Address">Where it goes.</param>
/// <param name="RequestedAt">The time of the request that caused it.</param>
/// <param name="UserId">The account that it is about; null: the worker looks for the account of the address, if the kind needs one.</param>
public sealed record Delivery(Guid Id, MailKind Kind, string Address, DateTimeOffset RequestedAt, string? UserId = null)
{
    /// <summary>
    /// The security stamp of the account at the time of the request, as <see cref="DigestOf"/>; null: the mail has no link that is bound to
    /// it. A link is sent only while the account still has this stamp: one that was requested before a change of the password must not
    /// be valid after it, although its mail is late.
    /// </summary>
    public string? StampDigest { get; init; }

    /// <summary>The package that <see cref="MailKind.PackageStatus"/> is about; null for every other kind.</summary>
    public PackageChange? Package { get; init; }

    /// <summary>The principal of the job is the address, so that many mails to one address do not delay those of others.</summary>
    public const string PrincipalPrefix = "mail:";

    /// <param name="normalizedAddress">As ASP.NET Core Identity normalises addresses.</param>
    public static string PrincipalOf(string? normalizedAddress) => PrincipalPrefix + normalizedAddress;

    /// <summary>A digest of a security stamp in 64 hexadecimal digits. Stamps are random, so it reveals nothing of them.</summary>
    /// <param name="id">The id of the delivery: equal stamps have different digests.</param>
    /// <param name="stamp">The security stamp.</param>
    public static string DigestOf(Guid id, string stamp) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{id:D} {stamp}")));

    /// <summary>Whether the account has had no other stamp since the request.</summary>
    /// <param name="stamp">The present security stamp of the account.</param>
    public bool HasStamp(string stamp) => StampDigest == DigestOf(Id, stamp);
}

/// <summary>A change of a package. What else the mail says, the worker reads from the package.</summary>
/// <param name="Id">The package.</param>
/// <param name="Status">Its new status.</param>
public sealed record PackageChange(Guid Id, string Status);

[
    JsonSourceGenerationOptions(
        JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(Delivery))]
public sealed partial class DeliveryJson : JsonSerializerContext;
