using System.Diagnostics;
using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// What a turn has to leave behind: its messages and its stream session. The turn changes it, the <see cref="TurnJournal"/> writes down what changed since the last time.
/// Rows are written whole and keyed by ids made here, so that writing one twice is harmless. A row counts as on record from its first confirmed commit; from then on it is only updated, so that one
/// that somebody deleted stays deleted.
/// </summary>
internal sealed class TurnRecord
{
    private readonly Lock gate = new();
    private readonly List<MessageRow> rows = [];
    private readonly Dictionary<string, string> unanswered = [];
    private readonly List<Guid> assistantMessages = new(1);
    private readonly List<(long Version, TaskCompletionSource Written)> waiting = [];
    private readonly DateTimeOffset startedAt;
    private MessageRow current;
    private long version = 1;
    private long writtenVersion;
    private DateTimeOffset? endedAt;
    private string sessionStatus = MessageStatus.Streaming;
    private bool refused;

    public TurnRecord(Guid streamId, Guid threadId, Guid messageId, string principal, string? modelId, DateTimeOffset now, MessageRow? userMessage = null)
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

    /// <summary>The assistant message that is being written; every model call has its own.</summary>
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

    /// <summary>The span of the turn, in whose trace the journal's commits are.</summary>
    public Activity? Span { get; set; }

    /// <summary>The record was found closed by somebody else: aborted, swept, or its thread deleted. Argument: the status found, null if the rows are gone.</summary>
    public Action<string?>? Overruled { get; set; }

    /// <summary>What the current message says so far.</summary>
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

    /// <summary>Names the model that the current message and the answers to its tool calls are of.</summary>
    public void AnswersWith(string modelId)
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

    /// <summary>The model asked for tools: its message is complete with the calls, the text beside them is dropped.</summary>
    public void CallTools(IReadOnlyList<ProviderToolCall> calls)
    {
        lock (gate)
        {
            current.Text.Clear();
            current.ToolCallsJson = ToolCallsJson.Write(calls);
            current.Version = ++version;
            foreach (var call in calls)
            {
                unanswered[call.Id] = call.Name;
            }
        }
    }

    public void ShowProducts(string productsJson)
    {
        lock (gate)
        {
            current.ProductsJson = productsJson;
            current.Version = ++version;
        }
    }

    public void AnswerTool(string toolCallId, string name, string content, DateTimeOffset now)
    {
        lock (gate)
        {
            unanswered.Remove(toolCallId);
            AddAnswer(toolCallId, name, content, now);
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
    public bool Holds(Guid messageId)
    {
        lock (gate)
        {
            return assistantMessages.Contains(messageId);
        }
    }

    /// <summary>Closes the turn. The first status stays.</summary>
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
            foreach (var (id, name) in unanswered)
            {
                // A call without a result would poison every later turn of the thread.
                AddAnswer(id, name, "The tool call was interrupted before it had a result.", now);
            }

            current.Status = status;
            current.Version = ++version;
        }
    }

    /// <summary>Completes when everything up to now is committed.</summary>
    public Task WrittenAsync()
    {
        lock (gate)
        {
            if (writtenVersion >= version)
            {
                return Task.CompletedTask;
            }

            var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Add((version, written));
            return written.Task;
        }
    }

    /// <summary>The changes since the last write, as plain values.</summary>
    public TurnChanges Changes()
    {
        lock (gate)
        {
            var isNew = writtenVersion == 0;
            var session = new SessionSnapshot(StreamId, ThreadId, current.Id, Principal, sessionStatus, startedAt, endedAt, isNew && !refused);
            return refused
                ? new TurnChanges(this, version, [], session, Touches: false, [.. assistantMessages])
                : new TurnChanges(
                    this, version, [.. rows.Where(row => row.Version > writtenVersion).Select(row => row.Snapshot(ThreadId, row.FirstVersion > writtenVersion, isNew ? null : StreamId))], session,
                    Touches: isNew || (endedAt is not null && version > writtenVersion), []);
        }
    }

    /// <summary>The database will never take it: from now on the record says only that the turn failed.</summary>
    /// <returns>False if that is what was refused.</returns>
    public bool Refuse(DateTimeOffset now)
    {
        lock (gate)
        {
            if (refused)
            {
                return false;
            }

            (refused, endedAt, sessionStatus) = (true, endedAt ?? now, MessageStatus.Error);
            version++;
            return true;
        }
    }

    public void Wrote(TurnChanges changes)
    {
        TaskCompletionSource[] done;
        lock (gate)
        {
            writtenVersion = Math.Max(writtenVersion, changes.Version);
            // Completed messages never change again; only their ids were needed.
            rows.RemoveAll(row => row != current && row.Version <= writtenVersion);
            done = waiting.Where(one => one.Version <= writtenVersion).Select(one => one.Written).ToArray();
            waiting.RemoveAll(one => one.Version <= writtenVersion);
        }

        foreach (var one in done)
        {
            one.TrySetResult();
        }
    }

    private void AddAnswer(string toolCallId, string name, string content, DateTimeOffset now)
    {
        var answer = new MessageRow(Guid.CreateVersion7(now), "tool", now, ++version) { Status = MessageStatus.Completed, ToolCallId = toolCallId, Name = name, ModelId = current.ModelId };
        answer.Text.Append(content);
        rows.Add(answer);
    }
}

internal static class MessageStatus
{
    public const string Streaming = "streaming";
    public const string Completed = "completed";
    public const string Error = "error";
    public const string Aborted = "aborted";
}
