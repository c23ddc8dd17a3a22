using System.Text.Json;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Sendcat.Integrations.WhatsApp;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Idempotency;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.ToolWorker.Messages;

/// <summary>
/// Enqueues replies, each as a job of its own, so that a failure to send one does not read the message again. Of each key at most one reply
/// is caused, and an attempt whose outcome is unknown is not repeated: nobody gets a reply twice.
/// </summary>
internal sealed class Replies(
    NpgsqlDataSource database, IOptionsMonitor<MessageOptions> options, OutboxPublisher publisher, TimeProvider time)
{
    /// <summary>Enqueues the reply to a message.</summary>
    public Task ToAsync(WhatsAppMessage message, string text, CancellationToken cancellationToken) =>
        EnqueueAsync(
            new(InboxScope.DigestOf($"message {message.Id}"), message.Phone, message.UserId, text, message.Id), interval: null,
            cancellationToken);

    /// <summary>Enqueues a reply that a sender gets once for as long as replies are kept.</summary>
    /// <param name="what">What it says, for example <c>how to link</c>.</param>
    public Task OnceToAsync(WhatsAppMessage message, string what, string text, CancellationToken cancellationToken) =>
        EnqueueAsync(ReplyOf(message, what, text), interval: null, cancellationToken);

    /// <summary>Enqueues a reply unless the sender got the same one less than this time ago.</summary>
    /// <param name="interval">Shorter than replies are kept.</param>
    /// <param name="message">The message.</param>
    /// <param name="what">What it says, for example <c>too many codes</c>.</param>
    /// <param name="text">Its text.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    public Task AtMostEveryAsync(
        TimeSpan interval, WhatsAppMessage message, string what, string text, CancellationToken cancellationToken) =>
        EnqueueAsync(ReplyOf(message, what, text), interval, cancellationToken);

    /// <summary>Begins the one attempt to send a reply.</summary>
    /// <returns>False: an earlier attempt may have sent it, or the reply does not exist any more.</returns>
    public Task<bool> BeginAttemptAsync(string key, CancellationToken cancellationToken) => ChangeAsync(
        """
        -- begin whatsapp reply
        UPDATE whatsapp_replies SET attempted_at = $2 WHERE key = $1 AND attempted_at IS NULL
        """,
        cancellationToken, key, time.GetUtcNow());

    /// <summary>The attempt is known to have sent nothing: another one may follow.</summary>
    public Task ReleaseAttemptAsync(string key, CancellationToken cancellationToken) => ChangeAsync(
        """
        -- release whatsapp reply
        UPDATE whatsapp_replies SET attempted_at = NULL WHERE key = $1
        """,
        cancellationToken, key);

    public Task SentAsync(string key, string messageId, CancellationToken cancellationToken) => ChangeAsync(
        """
        -- store sent whatsapp reply
        UPDATE whatsapp_replies SET message_id = $2 WHERE key = $1
        """,
        cancellationToken, key, messageId);

    private static WhatsAppReply ReplyOf(WhatsAppMessage message, string what, string text) =>
        new(InboxScope.DigestOf($"{what} {message.UserId ?? message.Phone}"), message.Phone, message.UserId, text, message.Id);

    /// <param name="reply">The reply.</param>
    /// <param name="interval">After it the key causes a reply again; null: never, as long as replies are kept.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    private async Task EnqueueAsync(WhatsAppReply reply, TimeSpan? interval, CancellationToken cancellationToken)
    {
        var job = new JobEntry(
            Guid.CreateVersion7(time.GetUtcNow()),
            QueuedWork.Messages.Lane,
            MessageJob.PrincipalOf(reply.UserId, reply.Phone),
            JsonSerializer.Serialize(new(null, reply), MessageJson.Default.MessageJob),
            options.CurrentValue.MaxAttempts);
        await using var command = database.CreateCommand(
            """
            -- enqueue whatsapp reply
            WITH caused AS (
                INSERT INTO whatsapp_replies AS earlier (key, created_at) VALUES (@key, @now)
                ON CONFLICT (key) DO UPDATE SET created_at = excluded.created_at, attempted_at = NULL, message_id = NULL
                    WHERE earlier.created_at <= excluded.created_at - @interval
                RETURNING key
            )
            SELECT reliability.enter_job(@id, @tool, @class, @principal, @args, @attempts, @trace_parent, @trace_state) FROM caused
            """);
        command.Parameters.AddRange(job.Parameters.ToArray());
        command.Parameters.Add(new("key", reply.Key));
        command.Parameters.Add(new("now", time.GetUtcNow()));
        command.Parameters.Add(new("interval", NpgsqlDbType.Interval) { Value = (object?)interval ?? DBNull.Value });
        await command.ExecuteNonQueryAsync(cancellationToken);
        publisher.Signal(QueuedWork.Messages.Lane);
    }

    private async Task<bool> ChangeAsync(string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var command = database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }
}
