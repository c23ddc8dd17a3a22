namespace Sendcat.ApiService.Chat;

/// <summary>Who ended a turn that did not end by itself.</summary>
internal enum TurnEnding
{
    /// <summary>The user pressed stop, on any replica.</summary>
    UserAbort,

    /// <summary>Every reader left and none came back within the grace.</summary>
    ClientGone,

    /// <summary>A newer turn took the place of this one, which nobody was reading: the same principal's, or anybody's who needed the slot.</summary>
    Superseded,

    /// <summary>The turn took longer than a turn may take.</summary>
    TimeLimit,

    /// <summary>The host stops and the drain time is over.</summary>
    HostStopping,

    /// <summary>The record was closed by somebody else: swept as dead, or its thread deleted.</summary>
    Disowned,
}

/// <summary>A turn that runs in this process: its feed, its readers, and the one switch that ends it.</summary>
internal sealed class LiveTurn : IDisposable
{
    private readonly Lock gate = new();
    private readonly CancellationTokenSource stop = new();
    private readonly TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<LiveTurn, ITimer?> left;
    private readonly Action<LiveTurn> back;
    private ITimer? grace;
    private int readers;
    private bool superseded;
    private bool ended;

    /// <param name="left">Told when the last reader leaves: the timer that waits for one to come back, null to end the turn at once.</param>
    /// <param name="back">Told when one came back before that. Both are called one at a time, in the order in which it happened.</param>
    public LiveTurn(TurnStart start, TurnRecord record, bool speaksUi, Func<LiveTurn, ITimer?> left, Action<LiveTurn> back)
    {
        (Start, Record, SpeaksUi, this.left, this.back) = (start, record, speaksUi, left, back);
        Asker = Join();
        record.Overruled = status => End(status == MessageStatus.Aborted ? TurnEnding.UserAbort : TurnEnding.Disowned);
    }

    public TurnStart Start { get; }

    public TurnRecord Record { get; }

    public TurnFeed Feed { get; } = new();

    /// <summary>The dialect that the turn was asked for in; a reader that comes back gets the same unless it says otherwise.</summary>
    public bool SpeaksUi { get; }

    /// <summary>The seat of the one who asked, taken before there is anything to read; whoever answers him disposes it.</summary>
    public Seat Asker { get; }

    public TurnEnding? Ending { get; private set; }

    /// <summary>Completes when the record is committed and everything is given back.</summary>
    public Task Ended => over.Task;

    public CancellationToken Stopping => stop.Token;

    public void End(TurnEnding why)
    {
        if (Decides(why))
        {
            Cancel();
        }
    }

    /// <summary>A newer turn takes the place of this one: at once if nobody reads it, else when its last reader leaves, for nobody could come back to it.</summary>
    public void Supersede()
    {
        lock (gate)
        {
            superseded = true;
        }

        EndUnlessRead();
    }

    /// <summary>The wait for a reader is over; one that is there keeps the turn.</summary>
    public void EndUnlessRead()
    {
        bool decided;
        lock (gate)
        {
            decided = readers == 0 && Decides(superseded ? TurnEnding.Superseded : TurnEnding.ClientGone);
        }

        if (decided)
        {
            Cancel();
        }
    }

    /// <summary>Nothing can end the turn any more: it has ended.</summary>
    public void Settle()
    {
        lock (gate)
        {
            ended = true;
            grace?.Dispose();
            grace = null;
        }
    }

    public Seat Join()
    {
        lock (gate)
        {
            readers++;
            if (grace is { } waiting)
            {
                grace = null;
                waiting.Dispose();
                back(this);
            }
        }

        return new Seat(this);
    }

    public void Dispose()
    {
        over.TrySetResult();
        stop.Dispose();
    }

    /// <returns>True for the first who ends it while it can be ended.</returns>
    private bool Decides(TurnEnding why)
    {
        lock (gate)
        {
            if (ended || Ending is not null)
            {
                return false;
            }

            Ending = why;
            return true;
        }
    }

    /// <summary>Outside the lock: what was waiting goes on right here.</summary>
    private void Cancel()
    {
        try
        {
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself in this very moment.
        }
    }

    private void Leave()
    {
        lock (gate)
        {
            if (--readers > 0 || ended || (!superseded && (grace = left(this)) is not null))
            {
                return;
            }
        }

        EndUnlessRead();
    }

    /// <summary>A reader's presence.</summary>
    internal sealed class Seat(LiveTurn turn) : IDisposable
    {
        public void Dispose() => turn.Leave();
    }
}
