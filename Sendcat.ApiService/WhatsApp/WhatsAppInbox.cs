using System.Text.Json;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Sendcat.Integrations.WhatsApp;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Idempotency;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.WhatsApp;

/// <summary>
/// Stores what a delivery of WhatsApp contains: each message with the job that reads it, the states of messages that we sent, and changed
/// identities. States and identities are applied at once, because a repetition of them changes nothing.
/// </summary>
internal sealed class WhatsAppInbox(
    WebhookInbox inbox, RequestDatabase database, IOptionsMonitor<WhatsAppOptions> options, IOptionsMonitor<MessageOptions> messages,
    TimeProvider time)
{
    /// <returns>The receipts of the messages that are read; none: the delivery has no such message.</returns>
    /// <exception cref="NpgsqlException">Postgres is unavailable: nothing may be acknowledged.</exception>
    public async Task<IReadOnlyList<InboxReceipt>> ReceiveAsync(WhatsAppDelivery delivery, CancellationToken cancellationToken)
    {
        if (delivery.IdChanges.Count > 0 || delivery.Statuses.Count > 0)
        {
            await ApplyAsync(delivery, cancellationToken);
        }

        var receiver = options.CurrentValue.PhoneNumberId;
        return await inbox.ReceiveAsync([
            .. delivery.Messages
                .Where(message => message.Kind is not WhatsAppMessageKind.Other && (receiver.Length == 0 || message.ReceiverId == receiver))
                .Select(EntryOf),
        ]);
    }

    private InboxEntry EntryOf(WhatsAppMessage message) => new(WhatsAppScopes.Message, message.Id, new JobEntry(
        Guid.CreateVersion7(time.GetUtcNow()),
        QueuedWork.Messages.Lane,
        MessageJob.PrincipalOf(message.UserId, message.Phone),
        JsonSerializer.Serialize(new(message, null), MessageJson.Default.MessageJob),
        messages.CurrentValue.MaxAttempts));

    private async Task ApplyAsync(WhatsAppDelivery delivery, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync();
        var links = new WhatsAppLinks(connection.CreateCommand);
        foreach (var change in delivery.IdChanges)
        {
            await links.ApplyAsync(change, time.GetUtcNow(), CancellationToken.None);
        }

        // A statement may touch a row once; of the states of one message the latest counts.
        var statuses = delivery.Statuses.GroupBy(status => status.MessageId, StringComparer.Ordinal)
            .Select(same => same.MaxBy(status => status.State)!)
            .OrderBy(status => status.MessageId, StringComparer.Ordinal).ToArray();
        if (statuses.Length > 0)
        {
            await using var store = connection.CreateCommand(
                """
                -- store whatsapp statuses
                INSERT INTO whatsapp_statuses AS known (message_id, state, error_code, updated_at)
                SELECT id, state, error, $4 FROM unnest($1::text[], $2::int[], $3::int[]) AS reported(id, state, error)
                ON CONFLICT (message_id) DO UPDATE SET state = excluded.state, error_code = excluded.error_code,
                    updated_at = excluded.updated_at
                    WHERE excluded.state > known.state
                """);
            store.Parameters.Add(new() { Value = Array.ConvertAll(statuses, status => status.MessageId) });
            store.Parameters.Add(new() { Value = Array.ConvertAll(statuses, status => (int)status.State) });
            store.Parameters.Add(
                new()
                {
                    Value = Array.ConvertAll(statuses, status => status.ErrorCode),
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer,
                });
            store.Parameters.Add(new() { Value = time.GetUtcNow() });
            await store.ExecuteNonQueryAsync(CancellationToken.None);
        }

        await transaction.CommitAsync(CancellationToken.None);
    }
}
