using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.Integrations.Providers;
using Sendcat.Integrations.WhatsApp;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Integrations.Work;

public sealed partial record QueuedWork
{
    /// <summary>Reads WhatsApp messages of users, and sends replies.</summary>
    public static readonly QueuedWork Messages = new(
        new("messages", Number: 6, QosClass.Background, knobs => knobs.Of<MessageOptions>().Caps)
        {
            RetryDelays = knobs => knobs.Of<MessageOptions>().RetryDelays,
            Alerts = knobs => knobs.Of<MessageOptions>().Thresholds,
            ErasesArguments = true,
        },
        [WhatsAppGraphProvider.Provider, ExtractionProvider.Provider],
        services => services.AddKnobs<MessageOptions>().AddKnobs<WhatsAppOptions>().AddKnobs<WhatsAppGraphLimitOptions>()
            .AddKnobs<ExtractionLimitOptions>());
}

/// <summary>Knobs of <see cref="QueuedWork.Messages"/>.</summary>
public sealed class MessageOptions
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(10);

    /// <summary>Maximum number of messages that are read or sent at the same time, over all workers.</summary>
    [Knob("MESSAGE_LANE_RUNMAX"), Range(1, 100)]
    public int RunMax { get; set; } = 2;

    /// <summary>Attempts before a message is a dead letter. With the default delays they take about an hour.</summary>
    [Knob("MESSAGE_MAX_ATTEMPTS"), Range(1, 100)]
    public int MaxAttempts { get; set; } = 12;

    /// <summary>Delay before the second attempt of a message. It doubles with each further attempt, up to ten minutes.</summary>
    [Knob("MESSAGE_RETRY_BASE_MS"), Range(100, 600_000)]
    public int RetryBaseMs { get; set; } = 5_000;

    /// <summary>More messages than this that are due raise an alert.</summary>
    [Knob("MESSAGE_ALERT_MAX_QUEUED"), Range(1, 500_000)]
    public int AlertMaxQueued { get; set; } = 500;

    /// <summary>More dead letters of messages than this raise an alert.</summary>
    [Knob("MESSAGE_ALERT_MAX_DLQ"), Range(0, 500_000)]
    public int AlertMaxDeadLetters { get; set; } = 5;

    /// <summary>A message that has been due for longer than this raises an alert.</summary>
    [Knob("MESSAGE_ALERT_MAX_QUEUED_AGE_MS"), Range(1_000, 86_400_000)]
    public int AlertMaxQueuedAgeMs { get; set; } = 300_000;

    /// <summary>A message that is being read or sent for longer than this raises an alert.</summary>
    [Knob("MESSAGE_ALERT_MAX_RUNNING_AGE_MS"), Range(1_000, 3_600_000)]
    public int AlertMaxRunningAgeMs { get; set; } = 180_000;

    internal LaneCaps Caps => new(null, RunMax);

    internal Backoff RetryDelays => new(TimeSpan.FromMilliseconds(RetryBaseMs), LongestDelay) { Jitter = 0.25 };

    internal LaneThresholds Thresholds => new(
        AlertMaxQueued, AlertMaxDeadLetters, TimeSpan.FromMilliseconds(AlertMaxQueuedAgeMs),
        TimeSpan.FromMilliseconds(AlertMaxRunningAgeMs));
}

/// <summary>A job of <see cref="QueuedWork.Messages"/>: one of the two.</summary>
/// <param name="Message">A message of a user.</param>
/// <param name="Reply">A reply to one.</param>
public sealed record MessageJob(WhatsAppMessage? Message, WhatsAppReply? Reply)
{
    private const string PrincipalPrefix = "whatsapp:";

    /// <summary>The principal of the jobs of a sender: many messages of one do not delay those of others.</summary>
    /// <param name="userId">Business-scoped id; null without one.</param>
    /// <param name="phone">Phone number; null: it is hidden.</param>
    public static string PrincipalOf(string? userId, string? phone) => PrincipalPrefix + (userId ?? phone);
}

/// <summary>A reply.</summary>
/// <param name="Key">What it replies to: at most one reply of a key is sent.</param>
/// <param name="Phone">Phone number of the recipient; null: it is hidden.</param>
/// <param name="UserId">Business-scoped id of the recipient; null without one.</param>
/// <param name="Text">At most 4 096 characters.</param>
/// <param name="ReplyTo">The message that it quotes.</param>
public sealed record WhatsAppReply(string Key, string? Phone, string? UserId, string Text, string? ReplyTo);

[
    JsonSourceGenerationOptions(
        JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(MessageJob))]
public sealed partial class MessageJson : JsonSerializerContext;
