using System.Diagnostics;
using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// The rows of a turn that must reach Postgres: its messages and its stream session. The turn changes them in memory; the
/// <see cref="TurnJournal"/> writes what changed since the last commit. Rows are written whole, with ids made here, so that a repeated
/// write is harmless. A row counts as persisted from its first confirmed commit; from then on it is only updated, so that a row that was
/// deleted meanwhile is not inserted again. Thread-safe.
/// </summary>
internal sealed class TurnRecord
{
    private readonly Lock gate = new();
    private readonly List<MessageRow> rows = [];
    private readonly Dictionary<string, string> openToolCalls = [];
    private readonly List<Guid> assistantMessages = new(1);
    private readonly List<(long Version, TaskCompletionSource Written)> waiters = [];
    private readonly DateTimeOffset startedAt;
    private MessageRow current;
    private long version = 1;
    private long writtenVersion;
    private DateTimeOffset? endedAt;
    private string sessionStatus = MessageStatus.Streaming;
    private bool rejected;

    /// <param name="messageId">Id of the first assistant message.</param>
    /// <param name="userMessage">The user's message, if the request carried one that is not persisted yet.</param>
    public TurnRecord(
        Guid streamId, Guid threadId, Guid messageId, string principal, string? modelId, DateTimeOffset now, MessageRow? userMessage = null)
    {
        (StreamId, ThreadId, Principal, startedAt) = (streamId, threadId, principal, now);
        if (userMessage is not null)
        {
            rows.Add(userMessage);
        }

        current = new MessageRow(messageId, "assistant", now) { Status = MessageStatus.Streaming, ModelId = modelId };
        rows.Add(current);
        assistantMessages.Add(messageId);
    }

    public Guid StreamId { get; }

    public Guid ThreadId { get; }

    public string Principal { get; }

    /// <summary>Id of the current assistant message. Every model call writes to its own message.</summary>
    public Guid MessageId
    {
        get
        {
            lock (gate)
            {
                return current.Id;
            }
        }
    }

    /// <summary>The span of the turn. The span of a commit is in the trace of one of its turns and links to the others.</summary>
    public Activity? Span { get; set; }

    /// <summary>
    /// Called when a commit finds that the turn was closed from outside: aborted, reaped, or deleted with its thread; or that Postgres
    /// rejects its rows. Argument: the status found in Postgres; null if the rows were deleted or rejected.
    /// </summary>
    public Action<string?>? ClosedElsewhere { get; set; }

    /// <summary>The text of the current assistant message so far.</summary>
    public string Text
    {
        get
        {
            lock (gate)
            {
                return current.Text.ToString();
            }
        }
    }

    /// <summary>Sets the model of the current message, and of the results of its tool calls that are added later.</summary>
    public void SetModel(string modelId)
    {
        lock (gate)
        {
            current.ModelId = modelId;
            current.Version = ++version;
        }
    }

    public void AppendText(string delta)
    {
        lock (gate)
        {
            current.Text.Append(delta);
            current.Version = ++version;
        }
    }

    public void AppendReasoning(string delta)
    {
        lock (gate)
        {
            current.Reasoning.Append(delta);
            current.Version = ++version;
        }
    }

    /// <summary>Adds the tool calls that the model requested to the current message and removes the message's text.</summary>
    public void AddToolCalls(IReadOnlyList<ProviderToolCall> calls)
    {
        lock (gate)
        {
            current.Text.Clear();
            current.ToolCallsJson = ToolCallsJson.Write(calls);
            current.Version = ++version;
            foreach (var call in calls)
            {
                openToolCalls[call.Id] = call.Name;
            }
        }
    }

    /// <summary>Sets the products that the user sees beside the current message.</summary>
    public void SetProducts(string productsJson)
    {
        lock (gate)
        {
            current.ProductsJson = productsJson;
            current.Version = ++version;
        }
    }

    /// <summary>Adds the result of a tool call as a message.</summary>
    public void AddToolResult(string toolCallId, string name, string content, DateTimeOffset now)
    {
        lock (gate)
        {
            openToolCalls.Remove(toolCallId);
            AddToolMessage(toolCallId, name, content, now);
        }
    }

    /// <summary>Completes the current message and opens the next one.</summary>
    public void NextMessage(Guid id, DateTimeOffset now)
    {
        lock (gate)
        {
            current.Status = MessageStatus.Completed;
            current.Version = ++version;
            current = new MessageRow(id, "assistant", now, version) { Status = MessageStatus.Streaming, ModelId = current.ModelId };
            rows.Add(current);
            assistantMessages.Add(id);
        }
    }

    /// <summary>True for an assistant message of this turn, the current or an earlier one.</summary>
    public bool HasAssistantMessage(Guid messageId)
    {
        lock (gate)
        {
            return assistantMessages.Contains(messageId);
        }
    }

    /// <summary>Ends the turn with a status. Later calls have no effect. Tool calls without a result get a message that says so.</summary>
    public void End(string status, DateTimeOffset now)
    {
        lock (gate)
        {
            if (endedAt is not null)
            {
                return;
            }

            endedAt = now;
            sessionStatus = status;
            foreach (var (id, name) in openToolCalls)
            {
                // A strict provider rejects a history with a tool call that has no result, so later turns of the thread would fail.
                AddToolMessage(id, name, "The tool call was interrupted before it had a result.", now);
            }

            current.Status = status;
            current.Version = ++version;
        }
    }

    /// <summary>Completes when all changes made before this call are committed, or are given up because Postgres rejects them.</summary>
    public Task WrittenAsync()
    {
        lock (gate)
        {
            if (writtenVersion >= version)
            {
                return Task.CompletedTask;
            }

            var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiters.Add((version, written));
            return written.Task;
        }
    }

    /// <summary>A snapshot of the changes since the last confirmed write.</summary>
    public TurnChanges Changes()
    {
        lock (gate)
        {
            var isNew = writtenVersion == 0;
            var session = new SessionSnapshot(StreamId, ThreadId, current.Id, Principal, sessionStatus, startedAt, endedAt, isNew && !rejected);
            return rejected
                ? new TurnChanges(this, version, [], session, Touches: false, [.. assistantMessages])
                : new TurnChanges(
                    this, version,
                    [.. rows.Where(row => row.Version > writtenVersion)
                        .Select(row => row.Snapshot(ThreadId, row.FirstVersion > writtenVersion, isNew ? null : StreamId))],
                    session,
                    Touches: isNew || (endedAt is not null && version > writtenVersion), []);
        }
    }

    /// <summary>
    /// Postgres rejects the rows permanently. From now on <see cref="Changes"/> contains no content, only the <c>error</c> status of the
    /// turn and its messages.
    /// </summary>
    /// <returns>False if the changes were reduced before, so that the reduced changes were rejected as well.</returns>
    public bool TryReduceToError(DateTimeOffset now)
    {
        lock (gate)
        {
            if (rejected)
            {
                return false;
            }

            (rejected, endedAt, sessionStatus) = (true, endedAt ?? now, MessageStatus.Error);
            version++;
            return true;
        }
    }

    /// <summary>
    /// Reports that <paramref name="changes"/> are committed; completes the tasks of <see cref="WrittenAsync"/> that wait for them.
    /// </summary>
    public void MarkWritten(TurnChanges changes)
    {
        TaskCompletionSource[] done;
        lock (gate)
        {
            writtenVersion = Math.Max(writtenVersion, changes.Version);
            // Completed messages never change again; only their ids are still needed, and those are in assistantMessages.
            rows.RemoveAll(row => row != current && row.Version <= writtenVersion);
            done = waiters.Where(waiter => waiter.Version <= writtenVersion).Select(waiter => waiter.Written).ToArray();
            waiters.RemoveAll(waiter => waiter.Version <= writtenVersion);
        }

        foreach (var written in done)
        {
            written.TrySetResult();
        }
    }

    private void AddToolMessage(string toolCallId, string name, string content, DateTimeOffset now)
    {
        var result = new MessageRow(Guid.CreateVersion7(now), "tool", now, ++version)
        {
            Status = MessageStatus.Completed, ToolCallId = toolCallId, Name = name, ModelId = current.ModelId,
        };
        result.Text.Append(content);
        rows.Add(result);
    }
}

internal static class MessageStatus
{
    public const string Streaming = "streaming";
    public const string Completed = "completed";
    public const string Error = "error";
    public const string Aborted = "aborted";
}
