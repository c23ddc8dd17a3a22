using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>A turn that runs in this process: its feed, its readers, and its cancellation. Thread-safe.</summary>
internal sealed class LiveTurn : IDisposable
{
    /// <summary>Readers of one turn on one replica. Each of them costs as much as the turn's own client.</summary>
    public const int MaxReaders = 32;

    private static readonly TimeSpan ReadersRetryAfter = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _endedSource = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<LiveTurn, ITimer?> _onDetached;
    private readonly Action<LiveTurn> _onAttached;
    private ITimer? _graceTimer;
    private int _readers;
    private bool _superseded;
    private bool _ended;

    /// <param name="usesUiDialect">The dialect of the request that started the turn: the AI SDK's, else Sendcat's.</param>
    /// <param name="onDetached">
    /// Called when the last reader leaves. Returns the timer of the grace period; null ends the turn at once.
    /// </param>
    /// <param name="onAttached">
    /// Called when a reader joins within the grace period. Both callbacks run under the turn's lock, so one at a time and in the order of
    /// the events.
    /// </param>
    public LiveTurn(TurnStart start, TurnRecord record, bool usesUiDialect, Func<LiveTurn, ITimer?> onDetached, Action<LiveTurn> onAttached)
    {
        (Start, Record, UsesUiDialect, _onDetached, _onAttached) = (start, record, usesUiDialect, onDetached, onAttached);
        InitialReader = Join();
        record.ClosedElsewhere = status =>
        {
            ClosedElsewhere ??= status switch
            {
                null => TurnEnding.ThreadDeleted,
                MessageStatus.Aborted => TurnEnding.UserAbort,
                TurnJournalCommit.Repeated => TurnEnding.Repeated,
                _ => TurnEnding.Disowned,
            };
            End(ClosedElsewhere.Value);
        };
    }

    public TurnStart Start { get; }

    public TurnRecord Record { get; }

    public TurnFeed Feed { get; } = new();

    /// <summary>
    /// The dialect of the request that started the turn. A reader that resumes gets the same dialect unless it requests the other one.
    /// </summary>
    public bool UsesUiDialect { get; }

    /// <summary>
    /// How the request that started the turn named its thread, see <see cref="StartingTurns.NameOf"/>; null: it named none.
    /// </summary>
    public Guid? ThreadName { get; init; }

    /// <inheritdoc cref="StartingTurn.ReceivedAt"/>
    public DateTimeOffset ReceivedAt { get; init; }

    /// <summary>
    /// The registration of the client that started the turn, made before the first event. The code that writes its response disposes it.
    /// </summary>
    public ReaderRegistration InitialReader { get; }

    /// <summary>Whether the turn has its first token; set when it begins to run.</summary>
    public Func<bool>? HasToken { get; set; }

    /// <summary>The request that started the turn was refused afterwards, and is counted as that.</summary>
    public bool RequestRefused { get; private set; }

    /// <summary>The first cause passed to <see cref="End"/>; null while the turn runs and if it ended by itself.</summary>
    public TurnEnding? Ending { get; private set; }

    /// <summary>
    /// How a commit of the turn has found it closed in Postgres, also one that was made after the turn had ended. The first cause wins;
    /// null: it was not closed.
    /// </summary>
    public TurnEnding? ClosedElsewhere { get; private set; }

    /// <summary>
    /// Completes when the turn is settled: its rows are committed and its ticket is released, or the wait for that has timed out.
    /// </summary>
    public Task Ended => _endedSource.Task;

    /// <summary>The turn has ended, or is just being settled.</summary>
    public bool HasEnded
    {
        get
        {
            lock (_gate)
            {
                return _ended;
            }
        }
    }

    /// <summary>A newer turn has replaced this one.</summary>
    public bool IsSuperseded
    {
        get
        {
            lock (_gate)
            {
                return _superseded;
            }
        }
    }

    /// <summary>Cancelled when the turn has to end.</summary>
    public CancellationToken Stopping => _stop.Token;

    public RunningTurn ToRunningTurn() => new(Start.StreamId, Replica: null, Start.Asked);

    /// <summary>Ends the turn. The first cause wins; no effect on a turn that has ended.</summary>
    public void End(TurnEnding ending)
    {
        if (TrySetEnding(ending))
        {
            Cancel();
        }
    }

    /// <summary>The request that started the turn gets an error, or has no client any more. The turn runs without its reader.</summary>
    public void RefuseRequest()
    {
        RequestRefused = true;
        InitialReader.Dispose();
    }

    /// <summary>
    /// A newer turn replaces this one. Without a reader it ends at once, else when its last reader leaves, without a grace period: no
    /// client could resume it.
    /// </summary>
    public void Supersede()
    {
        lock (_gate)
        {
            _superseded = true;
        }

        EndIfUnread();
    }

    /// <summary>Ends the turn if it has no reader.</summary>
    public void EndIfUnread()
    {
        bool decided;
        lock (_gate)
        {
            decided = _readers == 0 && TrySetEnding(_superseded ? TurnEnding.Superseded : TurnEnding.ClientGone);
        }

        if (decided)
        {
            Cancel();
        }
    }

    /// <summary>Runs the action if the turn is in its grace period. Like the callbacks, it runs under the turn's lock.</summary>
    public void IfDetached(Action action)
    {
        lock (_gate)
        {
            if (_graceTimer is not null)
            {
                action();
            }
        }
    }

    /// <summary>Marks the turn as ended: from now on <see cref="End"/> has no effect, and the grace timer is stopped.</summary>
    public void MarkEnded()
    {
        lock (_gate)
        {
            _ended = true;
            _graceTimer?.Dispose();
            _graceTimer = null;
        }
    }

    /// <summary>Registers a reader that resumes the turn; null if the turn has <see cref="MaxReaders"/> already.</summary>
    public ReaderRegistration? TryJoin()
    {
        lock (_gate)
        {
            return _readers < MaxReaders ? Join() : null;
        }
    }

    /// <summary>Registers a reader and stops a running grace period.</summary>
    public ReaderRegistration Join()
    {
        lock (_gate)
        {
            _readers++;
            if (_graceTimer is { } timer)
            {
                _graceTimer = null;
                timer.Dispose();
                _onAttached(this);
            }
        }

        return new ReaderRegistration(this);
    }

    /// <summary>The error for a reader beyond <see cref="MaxReaders"/>.</summary>
    public static ApiError TooManyReaders() =>
        ApiError.RateLimited(ReadersRetryAfter, RefusalReason.TurnReaders, "This answer has as many readers as it may have");

    public void Dispose()
    {
        _endedSource.TrySetResult();
        _stop.Dispose();
    }

    /// <returns>True for the first caller, while the turn has not ended.</returns>
    private bool TrySetEnding(TurnEnding ending)
    {
        lock (_gate)
        {
            if (_ended || Ending is not null)
            {
                return false;
            }

            Ending = ending;
            return true;
        }
    }

    /// <summary>Call it outside the lock: continuations of the cancelled turn run on this thread.</summary>
    private void Cancel()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The turn ended by itself at the same moment and is already disposed.
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            if (--_readers > 0 || _ended || (!_superseded && (_graceTimer = _onDetached(this)) is not null))
            {
                return;
            }
        }

        EndIfUnread();
    }

    /// <summary>Counts one reader of the turn until it is disposed. Dispose it once.</summary>
    internal sealed class ReaderRegistration(LiveTurn turn) : IDisposable
    {
        public void Dispose() => turn.Leave();
    }
}
