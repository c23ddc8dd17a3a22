using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Threads;
using Sendcat.ApiService.Tools;
using Sendcat.Integrations.Files;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// Starts a turn from a <see cref="ChatPass"/>: builds the conversation and the record, persists the user's message, and begins the turn.
/// </summary>
internal sealed class TurnStarter(
    LiveTurns turns, TurnDirectory directory, TurnJournal journal, RequestDatabase database, ProviderRouter router, ToolBox tools, ModelPrices prices, TurnFiles files,
    IOptionsMonitor<ChatOptions> options, TimeProvider time)
{
    private const string DeleteReplacedAnswer = $"""
        -- delete replaced answer
        WITH thread AS (
          SELECT id FROM threads WHERE id = $1 FOR NO KEY UPDATE
        ), gone AS (
          DELETE FROM messages m USING thread WHERE m.thread_id = thread.id AND m.seq > (
            SELECT coalesce(max(seq), 0) FROM messages WHERE thread_id = $1 AND role = 'user'
              AND ($2::uuid IS NULL OR seq < (SELECT seq FROM messages WHERE id = $2 AND thread_id = $1)))
          RETURNING m.id
        ), {Messages.DeleteTurns}
        SELECT count(*) FROM gone
        """;

    /// <summary>Starts the turn. Releases the ticket of the pass if the turn does not begin.</summary>
    /// <returns>The running turn, or the error. With a new user message, it returns after the message is committed.</returns>
    /// <exception cref="OperationCanceledException">The client disconnected.</exception>
    public async ValueTask<Outcome<LiveTurn>> StartAsync(ChatPass pass, bool usesUiDialect, CancellationToken cancellationToken)
    {
        var begun = false;
        try
        {
            var now = time.GetUtcNow();
            if (!(await HistoryAsync(pass, now, cancellationToken)).TryGet(out var conversationStart, out var refusal))
            {
                return refusal;
            }

            var (history, userMessage) = conversationStart;
            var limits = options.CurrentValue;
            var conversation = Conversation.From(history, limits);
            var model = pass.Model;
            var record = new TurnRecord(
                pass.StreamId, pass.Thread.ThreadId, Guid.CreateVersion7(now), pass.Principal.Key, model, now, userMessage)
            {
                Title = pass.Thread.HasTitle || userMessage is null ? null : ThreadRules.TitleOf(userMessage.Text.ToString()),
            };
            var start = new TurnStart(pass.Thread.ThreadId, pass.StreamId, pass.Principal.Key, model, pass.Request.WebSearch, pass.HeldRoute, now)
            {
                IsGuest = pass.Principal.HasGuestLimits,
            };
            directory.Register(start, usesUiDialect);
            var turn = turns.Begin(
                start, record, usesUiDialect,
                live => new ChatTurn(start, record, conversation, router, tools, journal, pass.Ticket, limits, prices, time), pass.Ticket);
            begun = true;
            if (userMessage is not null)
            {
                // The model call runs already. The client gets no event before the user's own message is committed.
                journal.WriteNow(record);
                await WaitUntilWrittenAsync(turn, cancellationToken);
            }

            return turn;
        }
        catch (FileStoreException)
        {
            return ApiError.UpstreamUnavailable(ChatGate.StoreRetryAfter, RefusalReason.FilesUnavailable);
        }
        catch (Exception failure) when (PostgresFailure.IsUnavailable(failure))
        {
            return ApiError.UpstreamUnavailable(ChatGate.StoreRetryAfter, RefusalReason.StoreUnavailable);
        }
        finally
        {
            if (!begun)
            {
                await pass.Ticket.SpentAsync(0, 0);
                await pass.Ticket.DisposeAsync();
            }
        }
    }

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
            turn.InitialReader.Dispose();
            throw;
        }
    }

    private async ValueTask<Outcome<(IReadOnlyList<HistoryMessage> History, MessageRow? UserMessage)>> HistoryAsync(
        ChatPass pass, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var stored = pass.Thread.Messages;
        if (pass.Request.Regeneration is { } regeneration && stored.Count > 0)
        {
            Guid? replaced = Guid.TryParse(regeneration.MessageId, out var id) ? id : null;
            await using var connection = await database.OpenForTurnAsync(cancellationToken);
            await using var delete = connection.CreateCommand(DeleteReplacedAnswer);
            delete.Parameters.Add(new() { Value = pass.Thread.ThreadId });
            delete.Parameters.Add(new() { Value = (object?)replaced ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid });
            await delete.ExecuteNonQueryAsync(CancellationToken.None);
            var end = stored.Count;
            var replacedIndex = replaced is { } replacedId ? stored.ToList().FindIndex(message => message.Id == replacedId) : -1;
            end = replacedIndex >= 0 ? replacedIndex : end;
            while (end > 0 && stored[end - 1].Role != "user")
            {
                end--;
            }

            return ([.. stored.Take(end)], null);
        }

        if (pass.Request.Message is not { } message)
        {
            return (stored, null);
        }

        var messageId = MessageIdOf(pass.Thread.ThreadId, message.ClientId);
        var known = stored.ToList().FindIndex(earlier =>
            earlier.Id == messageId || (message.ClientId is not null && (earlier.ClientId == message.ClientId || earlier.Id.ToString() == message.ClientId)));
        if (known >= 0)
        {
            // A repeated request: the message is persisted already, only the answer is generated again.
            return ([.. stored.Take(known + 1)], null);
        }

        if (!(await files.StoreAsync(pass.Principal, message.Files, cancellationToken)).TryGet(out var attachments, out var refusal))
        {
            return refusal;
        }

        var row = new MessageRow(messageId, "user", now)
        {
            Status = MessageStatus.Completed,
            ClientId = message.ClientId,
            AttachmentsJson = MessageAttachment.Write(attachments),
        };
        row.Text.Append(message.Text);
        return (
            [.. stored, new HistoryMessage(messageId, "user", message.Text, MessageStatus.Completed, null, null, null, null, row.AttachmentsJson)],
            row);
    }

    /// <summary>
    /// The message id: derived from the thread and the client's id, which is the idempotency key, so that a repeated request stores the
    /// message once; random without a client's id.
    /// </summary>
    private static Guid MessageIdOf(Guid threadId, string? clientId) => clientId is null
        ? Guid.NewGuid()
        : new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"{threadId}/{clientId}")).AsSpan(0, 16), bigEndian: true);
}
