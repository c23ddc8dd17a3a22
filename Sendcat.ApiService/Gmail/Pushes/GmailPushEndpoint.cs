using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Webhooks;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Idempotency;

namespace Sendcat.ApiService.Gmail.Pushes;

/// <summary>
/// <c>POST /api/gmail/push</c>: notifications of Gmail through Pub/Sub. Each is acknowledged when the job that reads the mailbox is
/// committed. What will never lead to work is acknowledged too: Pub/Sub would deliver it again for a week.
/// </summary>
internal static class GmailPushEndpoint
{
    public const string Path = "/api/gmail/push";

    /// <summary>Replays of a notification are known for a day.</summary>
    public static readonly InboxScope Scope = new("gmail_push_history", TimeSpan.FromHours(24));

    private static readonly Webhook Webhook = new("gmail_push", RequestBudget.GmailPush);

    public static void MapGmailPush(this IEndpointRouteBuilder app) =>
        app.MapPost(Path, ReceiveAsync).WithTags("Gmail").Produces(StatusCodes.Status200OK, typeof(string), "text/plain")
            .As("gmail.push", "Notification of Gmail through Pub/Sub: for Google alone", 400, 403, 413, 415, 429, 503)
            .Measures(MeasuredEndpoint.GmailPush);

    private static async Task<Results<ContentHttpResult, ApiError>> ReceiveAsync(
        HttpContext http, WebhookGate gate, PushAuthentication authentication, PushedMailboxes mailboxes, WebhookInbox inbox,
        IOptionsMonitor<MailSyncOptions> options, TimeProvider time)
    {
        if (!(await gate.AdmitAsync(http, Webhook, _ => authentication.RefusalAsync(http))).TryGet(out var body, out var refusal))
        {
            return refusal;
        }

        if (!PushNotification.Read(body).TryGet(out var notification, out refusal))
        {
            return Acknowledgement.Malformed(Webhook, refusal);
        }

        if (await mailboxes.FindAsync(notification.Email) is not { } mailbox)
        {
            return Acknowledgement.Ignored(Webhook, "unknown_mailbox");
        }

        var key = string.Create(CultureInfo.InvariantCulture, $"{notification.Email}:{notification.HistoryId}");
        if (mailbox.IgnoredFor(notification) is { } reason)
        {
            // What was read already is mostly a new notification about mails that an earlier one has led to. A repeated one is a replay.
            return reason is PushedMailbox.Stale && await inbox.RepeatAsync(Scope, key) is { } repeated
                ? Acknowledgement.Of(http, Webhook, repeated)
                : Acknowledgement.Ignored(Webhook, reason);
        }

        var now = time.GetUtcNow();
        var job = new MailSyncJob { Sync = Guid.CreateVersion7(now), Mailbox = mailbox.Id };
        var entry = new InboxEntry(
            Scope,
            key,
            new(
                Guid.CreateVersion7(now), QueuedWork.MailSync.Lane, $"gmail-push:{mailbox.Id:D}",
                JsonSerializer.Serialize(job, MailSyncJson.Default.MailSyncJob),
                options.CurrentValue.MaxAttempts))
        {
            // A queued job lists the history when it runs, so it finds what this notification is about.
            Coalesces = true,
        };
        return Acknowledgement.Of(http, Webhook, await inbox.ReceiveAsync(entry));
    }
}

/// <summary>Finds the mailboxes that notifications name.</summary>
internal sealed class PushedMailboxes(RequestDatabase database)
{
    /// <returns>Null: nobody has connected it.</returns>
    public async Task<PushedMailbox?> FindAsync(string normalizedEmail)
    {
        await using var connection = await database.OpenAsync(CancellationToken.None);
        await using var command = connection.CreateCommand(
            """
            -- find pushed mailbox
            SELECT c.id, c.status = 'active', c.history_id, coalesce(p.gmail_sync_enabled, true)
            FROM gmail_connections c LEFT JOIN user_preferences p ON p.user_id = c.user_id WHERE c.normalized_email = $1
            """);
        command.Parameters.Add(new() { Value = normalizedEmail });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        return await reader.ReadAsync(CancellationToken.None)
            ? new(reader.GetGuid(0), reader.GetBoolean(1), reader.GetInt64(2), reader.GetBoolean(3))
            : null;
    }
}

/// <param name="IsActive">False: it needs a new consent of its user.</param>
/// <param name="HistoryId">The history id up to which it was listed.</param>
/// <param name="IsWanted">False: its user does not want it to be read.</param>
internal sealed record PushedMailbox(Guid Id, bool IsActive, long HistoryId, bool IsWanted)
{
    /// <summary>The mailbox was read up to the history id of the notification, or further.</summary>
    public const string Stale = "stale";

    /// <returns>Why the notification leads to nothing; null: the mailbox is read.</returns>
    public string? IgnoredFor(PushNotification notification) =>
        !IsActive ? "needs_reauth"
        : !IsWanted ? "disabled"
        : notification.HistoryId <= HistoryId ? Stale
        : null;
}
