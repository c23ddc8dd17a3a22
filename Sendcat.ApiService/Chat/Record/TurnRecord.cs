using System.Diagnostics;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Threads;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// The rows of a turn that must reach Postgres: its messages and its stream session. The turn changes them in memory; the
/// <see cref="TurnJournal"/> writes what changed since the last commit: text that has grown as another <see cref="MessagePart"/>, and the
/// whole row after any other change and while the text is short. Ids and the numbers of parts are made here, so that a repeated write is
/// harmless. A row counts as persisted from its first confirmed commit; from then on it is only updated, so that a row that was deleted
/// meanwhile is not inserted again. Thread-safe.
/// </summary>
internal sealed partial class TurnRecord
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
