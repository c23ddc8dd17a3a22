using System.Diagnostics;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// The rows of a turn that must reach Postgres: its messages and its stream session. The turn changes them in memory; the
/// <see cref="TurnJournal"/> writes what changed since the last commit: text that has grown as another <see cref="MessagePart"/>, and the
/// whole row after any other change and while the text is short. Ids and the numbers of parts are made here, so that a repeated write is
/// harmless. A row counts as persisted from its first confirmed commit; from then on it is only updated, so that a row that was deleted
/// meanwhile is not inserted again. Thread-safe.
/// </summary>
internal sealed class TurnRecord
{
    private readonly Lock _gate = new();
    private readonly List<MessageRow> _rows = [];
    private readonly OpenToolCalls _openToolCalls = new();
    private readonly List<Guid> _assistantMessages = new(1);
    private readonly List<(long Version, TaskCompletionSource Written)> _waiters = [];
    private readonly DateTimeOffset _startedAt;
    private readonly Guid? _asked;
    private readonly long? _replacesThrough;

    /// <summary>The user message that must still exist when the answer is persisted first; null if the turn persists it itself.</summary>
    private readonly Guid? _anchor;

    /// <summary>The answer replaces another one and has no content yet: only its session is persisted.</summary>
    private bool _isHeldBack;
    private MessageRow _current;
    private long _version = 1;
    private long _writtenVersion;
    private long _sessionVersion = 1;

    /// <summary>As <see cref="_writtenVersion"/>, for the messages: a commit of a held back turn writes none.</summary>
    private long _messagesVersion;
    private DateTimeOffset? _endedAt;
    private string _sessionStatus = MessageStatus.Streaming;
    private bool _rejected;
    private TurnCost? _cost;
    private long _costVersion;

    /// <param name="messageId">Id of the first assistant message.</param>
    /// <param name="userMessage">The user's message, if the request carried one that is not persisted yet.</param>
    /// <param name="asked">The user message that the turn answers; null in a thread without one.</param>
    /// <param name="replacesThrough">
    /// The messages after <paramref name="asked"/> are replaced by those of the turn, in the commit with its first content. Without content
    /// they stay, and the turn leaves no message. A user message beyond this position and what follows it also stay. Null: replaces
    /// nothing.
    /// </param>
    public TurnRecord(
        Guid streamId, Guid threadId, Guid messageId, string principal, string? modelId, DateTimeOffset now, MessageRow? userMessage = null,
        Guid? asked = null, long? replacesThrough = null)
    {
        (StreamId, ThreadId, Principal, _startedAt) = (streamId, threadId, principal, now);
        (_asked, _replacesThrough, _isHeldBack) = (asked, replacesThrough, replacesThrough is not null);
        _anchor = userMessage is null ? asked : null;
        if (userMessage is not null)
        {
            _rows.Add(userMessage);
        }

        _current = new MessageRow(messageId, "assistant", now) { Status = MessageStatus.Streaming, ModelId = modelId };
        _rows.Add(_current);
        _assistantMessages.Add(messageId);
    }

    public Guid StreamId { get; }

    public Guid ThreadId { get; }

    public string Principal { get; }

    /// <summary>
    /// The thread, if the turn begins it: the first commit inserts it. If the principal has begun one under the same client id meanwhile,
    /// the turn ends as <see cref="TurnJournalCommit.Repeated"/>. Null: the thread is persisted.
    /// </summary>
    public ChatThread? Begins { get; init; }

    /// <summary>The title that the thread gets with the first commit if it has none then; null: none.</summary>
    public string? Title { get; init; }

    /// <summary>
    /// The text of the user message: when another request changes it before the first commit, the turn is aborted and leaves no message.
    /// Null: not compared.
    /// </summary>
    public string? AskedText { get; init; }

    /// <summary>The files of the user message, compared with <see cref="AskedText"/>; null: none.</summary>
    public string? AskedFilesJson { get; init; }

    /// <summary>
    /// The turn replaces an answer because its user wants another one, so an earlier turn of the message may still run. Any other turn must
    /// be the only one of its message: with its first commit it ends as <see cref="TurnJournalCommit.Repeated"/> if another one runs, or
    /// if the message that it brings is persisted already.
    /// </summary>
    public bool IsRegeneration { get; init; }

    /// <summary>The key of the client's address, for the ledger of costs; null: unknown.</summary>
    public string? Address { get; init; }

    /// <summary>Id of the current assistant message. Every model call writes to its own message.</summary>
    public Guid MessageId
    {
        get
        {
            lock (_gate)
            {
                return _current.Id;
            }
        }
    }

    /// <summary>What happened to the turn, for operators; null: nothing is noted.</summary>
    public TurnTrail? Trail { get; init; }

    /// <summary>The span of the turn. The span of a commit is in the trace of one of its turns and links to the others.</summary>
    public Activity? Span { get; set; }

    /// <summary>The trace of the turn, written with its first commit; null: there is none.</summary>
    public Guid? TraceId { get; set; }

    /// <summary>
    /// Called when a commit finds that the turn was closed from outside: aborted, reaped, or deleted with its thread; or that Postgres
    /// rejects its rows; or that the first commit finds another turn of its message. Argument: the status found in Postgres, <c>error</c>
    /// for rejected rows, <see cref="TurnJournalCommit.Repeated"/>; null if the thread was deleted.
    /// </summary>
    public Action<string?>? ClosedElsewhere { get; set; }

    /// <summary>The text of the current assistant message so far.</summary>
    public string Text
    {
        get
        {
            lock (_gate)
            {
                return _current.Text.ToString();
            }
        }
    }

    /// <summary>Sets the model of the current message, and of the results of its tool calls that are added later.</summary>
    public void SetModel(string modelId)
    {
        lock (_gate)
        {
            _current.ModelId = modelId;
            _current.MarkChanged(++_version);
        }
    }

    public void AppendText(string delta)
    {
        lock (_gate)
        {
            _current.Text.Append(delta);
            _isHeldBack = _isHeldBack && string.IsNullOrWhiteSpace(delta);
            _current.MarkGrown(++_version);
        }
    }

    public void AppendReasoning(string delta)
    {
        lock (_gate)
        {
            _current.Reasoning.Append(delta);
            _current.MarkGrown(++_version);
        }
    }

    /// <summary>
    /// The model begins to write a tool call. It is stored when the model has written it, with <see cref="AddToolCalls"/>; or when the turn
    /// is cut before, as an interrupted one.
    /// </summary>
    public void BeginToolCall(string toolCallId, string name)
    {
        lock (_gate)
        {
            _openToolCalls.Begin(toolCallId, name);
        }
    }

    /// <summary>The model has written more of the arguments of a call that <see cref="BeginToolCall"/> began.</summary>
    public void AppendArguments(string toolCallId, string delta)
    {
        lock (_gate)
        {
            _openToolCalls.AppendArguments(toolCallId, delta);
        }
    }

    /// <summary>Adds the tool calls that the model requested to the current message and removes the message's text.</summary>
    public void AddToolCalls(IReadOnlyList<ProviderToolCall> calls)
    {
        lock (_gate)
        {
            _openToolCalls.Request(calls);
            _current.Text.Clear();
            _current.ToolCallsJson = ToolCallsJson.Write(calls);
            _current.MarkChanged(++_version);
        }
    }

    /// <summary>Sets the web pages that the user sees beside the current message.</summary>
    public void SetSources(string sourcesJson)
    {
        lock (_gate)
        {
            _current.SourcesJson = sourcesJson;
            _current.MarkChanged(++_version);
        }
    }

    /// <summary>Sets the products that the user sees beside the current message.</summary>
    public void SetProducts(string productsJson)
    {
        lock (_gate)
        {
            _current.ProductsJson = productsJson;
            _current.MarkChanged(++_version);
        }
    }

    /// <summary>Adds the result of a tool call as a message: <c>completed</c>, or <c>error</c> with the error text for the model.</summary>
    public void AddToolResult(string toolCallId, string name, string content, DateTimeOffset now, bool failed = false)
    {
        lock (_gate)
        {
            _openToolCalls.Close(toolCallId);
            AddToolMessage(toolCallId, name, content, now, failed ? MessageStatus.Error : MessageStatus.Completed);
        }
    }

    /// <summary>Completes the current message and opens the next one.</summary>
    public void NextMessage(Guid id, DateTimeOffset now)
    {
        lock (_gate)
        {
            _current.Status = MessageStatus.Completed;
            _current.MarkChanged(++_version);
            _sessionVersion = _version;
            _current = new MessageRow(id, "assistant", now, _version) { Status = MessageStatus.Streaming, ModelId = _current.ModelId };
            _rows.Add(_current);
            _assistantMessages.Add(id);
        }
    }

    /// <summary>True for an assistant message of this turn, the current or an earlier one.</summary>
    public bool HasAssistantMessage(Guid messageId)
    {
        lock (_gate)
        {
            return _assistantMessages.Contains(messageId);
        }
    }

    /// <summary>
    /// Ends the turn with a status. Later calls have no effect. Tool calls without a result get a message that says so, also those that the
    /// model had not finished when the turn was cut.
    /// </summary>
    /// <param name="cost">What the turn cost; null: nothing is known of it.</param>
    public void End(string status, DateTimeOffset now, TurnCost? cost = null)
    {
        lock (_gate)
        {
            if (_cost is null && cost is not null)
            {
                // Also when Postgres has rejected the rows: the cost is stored with the status.
                (_cost, _costVersion) = (cost, ++_version);
                _sessionVersion = _version;
            }

            if (_endedAt is not null)
            {
                return;
            }

            _endedAt = now;
            _sessionStatus = status;
            _isHeldBack = _isHeldBack && (status != MessageStatus.Completed || _rows.TrueForAll(row => row.ProductsJson is null));
            if (status != MessageStatus.Completed && _openToolCalls.RequestUnfinished() is { Count: > 0 } unfinished)
            {
                _current.ToolCallsJson = ToolCallsJson.Write(unfinished);
            }

            foreach (var (id, name) in _openToolCalls.Requested)
            {
                // A strict provider rejects a history with a tool call that has no result, so later turns of the thread would fail.
                AddToolMessage(id, name, "The tool call was interrupted before it had a result.", now, MessageStatus.Aborted);
            }

            _current.Status = status;
            _current.MarkChanged(++_version);
            _sessionVersion = _version;
        }
    }

    /// <summary>Completes when all changes made before this call are committed, or are given up because Postgres rejects them.</summary>
    public Task WrittenAsync()
    {
        lock (_gate)
        {
            if (_writtenVersion >= _version)
            {
                return Task.CompletedTask;
            }

            var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((_version, written));
            return written.Task;
        }
    }

    /// <summary>A snapshot of the changes since the last confirmed write.</summary>
    public TurnChanges Changes()
    {
        lock (_gate)
        {
            var isNew = _writtenVersion == 0;
            var askedContent = isNew && AskedText is not null
                ? new MessageContent(StorableText.Sanitize(AskedText), StorableText.SanitizeJson(AskedFilesJson))
                : null;
            var oneTurnOf = isNew && !IsRegeneration ? _asked : null;
            var session = Session(isNew, askedContent, oneTurnOf);
            var costs = _costVersion > _writtenVersion ? CostRows(_cost!, _endedAt ?? _startedAt) : [];
            if (_rejected)
            {
                return new TurnChanges(this, _version, [], [], [], session, Touches: false, null, [.. _assistantMessages])
                {
                    Costs = costs,
                };
            }

            if (_isHeldBack)
            {
                return new TurnChanges(this, _version, [], [], [], session, Touches: false, null, [])
                {
                    HoldsBackMessages = true, Costs = costs,
                };
            }

            var replaces = _replacesThrough is { } through && _messagesVersion == 0
                ? new ReplacedMessages(ThreadId, _asked!.Value, through, _assistantMessages[0])
                : null;
            var (messages, parts, persisted) = ChangedRows(
                turn: isNew ? null : StreamId, anchor: replaces?.Anchor ?? (isNew ? _anchor : null), askedContent, oneTurnOf);
            return new TurnChanges(
                this, _version, messages, parts, persisted, session,
                Touches: isNew || replaces is not null || (_endedAt is not null && _version > _writtenVersion), replaces, [])
            {
                Begins = isNew ? Begins : null,
                Costs = costs,
            };
        }
    }

    /// <summary>
    /// Postgres rejects the rows permanently. From now on <see cref="Changes"/> contains no content, only the <c>error</c> status of the
    /// turn and its messages.
    /// </summary>
    /// <returns>False if the changes were reduced before, so that the reduced changes were rejected as well.</returns>
    public bool TryReduceToError(DateTimeOffset now)
    {
        lock (_gate)
        {
            if (_rejected)
            {
                return false;
            }

            (_rejected, _endedAt, _sessionStatus) = (true, _endedAt ?? now, MessageStatus.Error);
            _sessionVersion = ++_version;
            return true;
        }
    }

    /// <summary>
    /// Reports that <paramref name="changes"/> are committed; completes the tasks of <see cref="WrittenAsync"/> that wait for them.
    /// </summary>
    public void MarkWritten(TurnChanges changes)
    {
        TaskCompletionSource[] done;
        lock (_gate)
        {
            _writtenVersion = Math.Max(_writtenVersion, changes.Version);
            Trail?.MarkWritten(changes.Session.TrailVersion);
            _messagesVersion = changes.HoldsBackMessages ? _messagesVersion : Math.Max(_messagesVersion, changes.Version);
            foreach (var (row, after) in changes.Persisted)
            {
                row.MarkPersisted(after);
            }

            // Completed messages never change again; only their ids are still needed, and those are in assistantMessages.
            _rows.RemoveAll(row => row != _current && row.Version <= _messagesVersion);
            done = _waiters.Where(waiter => waiter.Version <= _writtenVersion).Select(waiter => waiter.Written).ToArray();
            _waiters.RemoveAll(waiter => waiter.Version <= _writtenVersion);
        }

        foreach (var written in done)
        {
            written.TrySetResult();
        }
    }

    private SessionSnapshot Session(bool isNew, MessageContent? askedContent, Guid? oneTurnOf)
    {
        var (trail, trailVersion) = Trail?.Changes() ?? default;
        return new SessionSnapshot(
            StreamId, ThreadId, _current.Id, _asked, Principal, _sessionStatus, _startedAt, _endedAt, isNew && !_rejected,
            _sessionVersion > _writtenVersion || trail is not null, Requires: _rejected ? null : _isHeldBack ? _asked : _current.Id,
            RequiresContent: _isHeldBack ? askedContent : null, OneTurnOf: oneTurnOf,
            BringsMessage: oneTurnOf is not null && _anchor is null)
        {
            Cost = _cost,
            TraceId = isNew && TraceId is { } trace ? trace : null,
            TrailJson = trail,
            TrailVersion = trailVersion,
        };
    }

    /// <summary>The rows that changed since the last commit of messages: whole, or as a part of their text.</summary>
    private (List<MessageSnapshot>, List<PartSnapshot>, List<(MessageRow, PersistedText)>) ChangedRows(
        Guid? turn, Guid? anchor, MessageContent? askedContent, Guid? oneTurnOf)
    {
        var (messages, parts) = (new List<MessageSnapshot>(), new List<PartSnapshot>());
        var persisted = new List<(MessageRow, PersistedText)>();
        foreach (var row in _rows.Where(row => row.Version > _messagesVersion))
        {
            PersistedText after;
            if (row.RowVersion > _messagesVersion || row.HasDoubled)
            {
                messages.Add(row.Snapshot(
                    ThreadId, row.FirstVersion > _messagesVersion, turn, anchor, askedContent, StreamId, oneTurnOf, _asked, out after));
            }
            else
            {
                parts.Add(row.NextPart(out after));
            }

            persisted.Add((row, after));
        }

        return (messages, parts, persisted);
    }

    private IReadOnlyList<TurnCostRow> CostRows(TurnCost cost, DateTimeOffset endedAt)
    {
        var caller = PrincipalMask.Caller(Principal);
        return [.. cost.Models.Select((model, n) => new TurnCostRow(endedAt, StreamId, (short)n, caller, Address, model))];
    }

    private void AddToolMessage(string toolCallId, string name, string content, DateTimeOffset now, string status)
    {
        var result = new MessageRow(Guid.CreateVersion7(now), "tool", now, ++_version)
        {
            Status = status, ToolCallId = toolCallId, Name = name, ModelId = _current.ModelId,
        };
        result.Text.Append(content);
        _rows.Add(result);
    }
}
