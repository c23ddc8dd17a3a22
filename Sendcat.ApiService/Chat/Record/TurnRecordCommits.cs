using Sendcat.Reliability.Events;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Chat.Record;

// What the journal reads of the turn for a commit, and how it confirms the commit.
internal sealed partial class TurnRecord
{
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
}
