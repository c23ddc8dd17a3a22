using System.Diagnostics;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Threads;
using Sendcat.ApiService.Threads.Events;
using Sendcat.ApiService.Tools;
using Sendcat.Integrations.Files;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// Starts a turn from a <see cref="ChatPass"/>: builds the conversation and the record, persists the user's message, and begins the turn.
/// </summary>
internal sealed class TurnStarter(
    LiveTurns turns, TurnAborts aborts, TurnDirectory directory, TurnJournal journal, ThreadSignals threads, RequestDatabase database,
    ProviderRouter router, ToolBox tools, ModelPrices prices, MoneyBudget money, TurnFiles files,
    IOptionsMonitor<ChatOptions> options, TimeProvider time)
{
    // Every turn that runs in the thread is marked as aborted, also one whose messages are not persisted yet: it answers a text that is not
    // in the thread any more. The message stays the last one and gets a new position, by which readers of the thread's events find it.
    // Turns that have answered it stay for a day from now, see MessageStatements.DeleteReplacedAnswers. Returns whether the message still
    // exists.
    private const string EditMessage = """
        -- edit message
        WITH unedited AS (
          SELECT id, seq FROM messages WHERE thread_id = $1 AND id = $2 AND role = 'user'
        ), edited AS (
          UPDATE messages m SET content = $3, attachments = $4, seq = DEFAULT,
            edits = jsonb_build_array(jsonb_build_object(
              'at', $5::timestamptz, 'sha256', encode(sha256(convert_to(m.content, 'UTF8')), 'hex'), 'attachments', m.attachments,
              'key', $7::text))
              || (coalesce(m.edits, '[]') - ($6 - 1))
          FROM unedited WHERE m.id = unedited.id RETURNING unedited.seq
        ), gone AS (
          DELETE FROM messages m USING edited WHERE m.thread_id = $1 AND m.seq > edited.seq RETURNING m.id
        ), ended AS (
          DELETE FROM stream_sessions s
          WHERE s.thread_id = $1 AND s.status <> 'streaming' AND CASE WHEN s.user_message_id = $2
            THEN coalesce(s.last_heartbeat, s.ended_at) < $8 AND s.message_id NOT IN (SELECT id FROM gone)
            ELSE s.message_id IN (SELECT id FROM gone) OR s.user_message_id IN (SELECT id FROM gone) END
        ), replaced AS (
          UPDATE stream_sessions s SET last_heartbeat = clock_timestamp() FROM gone
          WHERE s.thread_id = $1 AND s.status <> 'streaming' AND s.user_message_id = $2 AND s.message_id = gone.id
        ), aborted AS (
          UPDATE stream_sessions s SET status = 'aborted', ended_at = clock_timestamp() FROM edited
            WHERE s.thread_id = $1 AND s.status = 'streaming'
        )
        SELECT EXISTS (SELECT FROM edited)
        """;

    // An identity column has no other way to get its next value.
    private const string MoveMessage = """
        -- move message to the end
        UPDATE messages SET seq = DEFAULT WHERE thread_id = $1 AND id = $2
        """;

    /// <summary>Starts the turn. Releases the ticket of the pass if the turn does not begin.</summary>
    /// <param name="starting">The request; when it was aborted, the turn begins and ends at once.</param>
    /// <param name="acceptedAt">Timestamp, see <see cref="TurnStart.AcceptedAt"/>.</param>
    /// <returns>
    /// The running turn, or the error. With a new user message, it returns after the message is committed.
    /// <see cref="AdmissionReason.SameMessage"/>: another replica has started a turn of the message before, which the request repeats; or
    /// another request has begun the thread under the same client id. The next attempt finds it.
    /// </returns>
    /// <exception cref="OperationCanceledException">The client disconnected.</exception>
    public async ValueTask<Outcome<LiveTurn>> StartAsync(
        ChatPass pass, StartingTurn starting, long acceptedAt, bool usesUiDialect, CancellationToken cancellationToken)
    {
        var (begun, repeated) = (false, false);
        MessageAttachment[] stored = [];
        try
        {
            var now = time.GetUtcNow();
            var plan = pass.Plan;
            if (plan.Write is MessageWrite.Insert or MessageWrite.Edit)
            {
                if (!(await files.StoreAsync(pass.Principal, pass.Request.Message!.Files, cancellationToken))
                    .TryGet(out var attachments, out var refusal))
                {
                    return refusal;
                }

                stored = attachments;
                plan = plan.WithAttachments(MessageAttachment.Write(attachments));
            }

            var limits = options.CurrentValue;
            var conversation = Conversation.From(plan.History, limits);
            var model = pass.Model;
            if (pass.Ticket.HasMoneyBudget
                && await money.CoverAsync(
                    pass.Ticket, model, pass.HeldRoute, conversation.Messages, tools.Offered(pass.Request.WebSearch)) is { } unpaid)
            {
                return ChatRefusal.Of(unpaid);
            }

            if (plan.Write == MessageWrite.Edit
                && !await EditAsync(pass.Thread.ThreadId, plan.History[^1], pass.Request.Key, cancellationToken))
            {
                return ApiError.Conflict();
            }

            foreach (var replaced in pass.Replaced)
            {
                // Not before the edit, which may fail: then the running answers stay as they are.
                await aborts.ReplaceAsync(replaced, pass.Principal.Key, cancellationToken);
            }

            if (plan is { Write: MessageWrite.Move, Asked: { } moved })
            {
                await MoveAsync(pass.Thread.ThreadId, moved, cancellationToken);
            }

            var userMessage = plan.Write == MessageWrite.Insert ? RowOf(plan.History[^1], now) : null;
            var record = new TurnRecord(
                pass.StreamId, pass.Thread.ThreadId, Guid.CreateVersion7(now), pass.Principal.Key, model, now, userMessage, plan.Asked,
                plan.ReplacesAnswer ? pass.Thread.LastSeq : null)
            {
                // Without Redis an edit on another replica does not find this turn before its first commit.
                AskedText = plan.Write == MessageWrite.Edit || (pass.Ticket.IsLocal && userMessage is null && plan.Asked is not null)
                    ? plan.History[^1].Content
                    : null,
                AskedFilesJson = plan.History is [.., var asked] ? asked.AttachmentsJson : null,
                IsRegeneration = plan.ReplacesAnswer && pass.Request.Regeneration is not null,
                Begins = pass.Thread.Begun,
                Address = pass.Address,
                Title = pass.Thread.HasTitle || userMessage is null ? null : ThreadRules.TitleOf(userMessage.Text.ToString()),
                Trail = new(time),
                TraceId = TurnSpan.TraceOf(Activity.Current),
            };
            record.Trail.Admitted(pass.Ticket.Check, pass.HeldRoute, time.GetElapsedTime(acceptedAt));
            var start = new TurnStart(
                pass.Thread.ThreadId, pass.StreamId, pass.Principal.Key, model, pass.Request.WebSearch, pass.HeldRoute, now)
            {
                AcceptedAt = acceptedAt,
                Asked = plan.Asked,
                IsGuest = pass.Principal.HasGuestLimits,
            };
            if (pass.Ticket.IsLocal && await OpenAsync(record) is { } notOpened)
            {
                repeated = notOpened.Reason == AdmissionReason.SameMessage;
                return notOpened;
            }

            directory.Register(start, usesUiDialect);
            var turn = turns.Begin(
                start, record, usesUiDialect, starting,
                live => new ChatTurn(
                    start, record, conversation, router, tools, journal, pass.Ticket, limits, prices, money, time), pass.Ticket);
            begun = true;
            if ((userMessage is not null || record.Begins is not null) && !pass.Ticket.IsLocal)
            {
                // The model call runs already. The client gets no event before the user's own message is committed, and its thread.
                journal.WriteNow(record);
                await WaitUntilWrittenAsync(turn, cancellationToken);
                if (turn.ClosedElsewhere is TurnEnding.Repeated)
                {
                    // The other replica has decided without Redis, which this one reached. Or the thread has begun with another message.
                    turn.InitialReader.Dispose();
                    await turn.Ended;
                    repeated = true;
                    return Repeated();
                }
            }

            return turn;
        }
        catch (FileStoreException)
        {
            return ApiError.UpstreamUnavailable(RequestThreads.StoreRetryAfter, RefusalReason.FilesUnavailable);
        }
        catch (Exception failure) when (PostgresFailure.IsUnavailable(failure))
        {
            return ApiError.UpstreamUnavailable(RequestThreads.StoreRetryAfter, RefusalReason.StoreUnavailable);
        }
        finally
        {
            if (repeated)
            {
                await pass.Ticket.WithdrawAsync();
            }
            else if (!begun)
            {
                await pass.Ticket.SpentAsync(0, 0);
                await pass.Ticket.DisposeAsync();
            }

            if (repeated || !begun)
            {
                await files.DiscardAsync(pass.Request.Message?.Files ?? [], stored);
                await (pass.Charge?.WithdrawAsync() ?? ValueTask.CompletedTask);
            }
        }
    }

    /// <summary>
    /// Commits the start of a turn that was admitted without Redis, before its model call: replicas do not share the claim on its message,
    /// so the first commit decides which one starts a turn of it.
    /// </summary>
    /// <returns>Null when the turn may begin; else the error, and then nothing is stored.</returns>
    /// <exception cref="TimeoutException">Postgres does not respond.</exception>
    private async ValueTask<ApiError?> OpenAsync(TurnRecord record)
    {
        string? status = MessageStatus.Streaming;
        // It is called again for rows that Postgres rejects, because their session is not found either.
        record.ClosedElsewhere = found => status = status == MessageStatus.Streaming ? found : status;
        journal.WriteNow(record);
        try
        {
            // Also for a client that disconnects meanwhile: its next request finds the turn.
            await record.WrittenAsync().WaitAsync(database.TurnTimeout, time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            // A late commit must not leave a turn that runs nowhere.
            record.TryReduceToError(time.GetUtcNow());
            journal.WriteNow(record);
            throw;
        }

        return status switch
        {
            MessageStatus.Streaming => null,
            TurnJournalCommit.Repeated => Repeated(),
            // The message was edited or deleted, or the thread was.
            MessageStatus.Aborted or null => ApiError.Conflict(),
            _ => ApiError.Internal(),
        };
    }

    private static ApiError Repeated() =>
        ApiError.UpstreamUnavailable(
            RequestThreads.StoreRetryAfter, AdmissionReason.SameMessage, "Another request with this message has started its answer");

    private async Task WaitUntilWrittenAsync(LiveTurn turn, CancellationToken cancellationToken)
    {
        try
        {
            await turn.Record.WrittenAsync().WaitAsync(database.TurnTimeout, time, cancellationToken);
        }
        catch (Exception exception) when (exception is OperationCanceledException or TimeoutException)
        {
            // The client disconnected before the first event, or is refused because Postgres does not respond. The turn runs without a
            // reader; the client's next request finds it or replaces it.
            turn.RefuseRequest();
            throw;
        }
    }

    /// <param name="key">The idempotency key of the edit; null: none.</param>
    /// <returns>False if the message was deleted meanwhile.</returns>
    private async ValueTask<bool> EditAsync(Guid threadId, HistoryMessage edited, string? key, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        await using var batch = connection.CreateBatch();
        batch.BatchCommands.Add(Messages.LockThreadCommand(threadId));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(EditMessage)
        {
            Parameters =
            {
                new() { Value = threadId },
                new() { Value = edited.Id },
                new() { Value = StorableText.Sanitize(edited.Content) },
                new()
                {
                    Value = (object?)StorableText.SanitizeJson(edited.AttachmentsJson) ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb,
                },
                new() { Value = time.GetUtcNow() },
                new() { Value = ReplacedVersion.Most },
                new() { Value = key is null ? DBNull.Value : StreamIds.EndOfIds(key), NpgsqlDbType = NpgsqlDbType.Text },
                new() { Value = time.GetUtcNow() - SessionStatements.ReplacedTurnAge },
            },
        });
        bool found;
        await using (var reader = await batch.ExecuteReaderAsync(CancellationToken.None))
        {
            await reader.NextResultAsync(CancellationToken.None);
            found = await reader.ReadAsync(CancellationToken.None) && reader.GetBoolean(0);
        }

        threads.Changed(threadId);
        return found;
    }

    private async ValueTask MoveAsync(Guid threadId, Guid message, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        await using var command = connection.CreateCommand(MoveMessage);
        command.Parameters.Add(new() { Value = threadId });
        command.Parameters.Add(new() { Value = message });
        await command.ExecuteNonQueryAsync(CancellationToken.None);
        threads.Changed(threadId);
    }

    private static MessageRow RowOf(HistoryMessage message, DateTimeOffset now)
    {
        var row = new MessageRow(message.Id, "user", now)
        {
            Status = MessageStatus.Completed, ClientId = message.ClientId, AttachmentsJson = message.AttachmentsJson,
        };
        row.Text.Append(message.Content);
        return row;
    }
}
