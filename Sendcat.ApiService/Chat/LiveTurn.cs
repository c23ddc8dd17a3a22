using System.Diagnostics;

namespace Sendcat.ApiService.Chat;

/// <summary>Who ended a turn that did not end by itself.</summary>
internal enum TurnEnding
{
    /// <summary>The user pressed stop, on any replica.</summary>
    UserAbort,

    /// <summary>Every reader left and none came back within the grace.</summary>
    ClientGone,

    /// <summary>A newer turn took the place of this one, which nobody was reading.</summary>
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
    private readonly Action<LiveTurn, bool> readersChanged;
    private int readers;
    private bool ended;

    /// <param name="readersChanged">Told when the last reader leaves (false) and when one comes back (true).</param>
    public LiveTurn(TurnStart start, TurnRecord record, bool speaksUi, Action<LiveTurn, bool> readersChanged)
    {
        (Start, Record, SpeaksUi, this.readersChanged) = (start, record, speaksUi, readersChanged);
        record.Overruled = status => End(status == MessageStatus.Aborted ? TurnEnding.UserAbort : TurnEnding.Disowned);
    }

    public TurnStart Start { get; }

    public TurnRecord Record { get; }

    public TurnFeed Feed { get; } = new();

    /// <summary>The dialect that the turn was asked for in; a reader that comes back gets the same unless it says otherwise.</summary>
    public bool SpeaksUi { get; }

    public TurnEnding? Ending { get; private set; }

    /// <summary>Completes when the record is committed and everything is given back.</summary>
    public Task Ended => over.Task;

    public CancellationToken Stopping => stop.Token;

    public bool Detached
    {
        get
        {
            lock (gate)
            {
                return readers == 0 && !ended;
            }
        }
    }

    public Activity? Activity { get; init; }

    public void End(TurnEnding why)
    {
        lock (gate)
        {
            if (ended || Ending is not null)
            {
                return;
            }

            Ending = why;
        }

        stop.Cancel();
    }

    /// <summary>Nothing can end the turn any more: it has ended.</summary>
    public void Settle()
    {
        lock (gate)
        {
            ended = true;
        }
    }

    public Seat Join()
    {
        bool first;
        lock (gate)
        {
            first = readers++ == 0;
        }

        if (first)
        {
            readersChanged(this, true);
        }

        return new Seat(this);
    }

    public void Dispose()
    {
        over.TrySetResult();
        stop.Dispose();
    }

    private void Leave()
    {
        bool last;
        lock (gate)
        {
            last = --readers == 0 && !ended;
        }

        if (last)
        {
            readersChanged(this, false);
        }
    }

    /// <summary>A reader's presence.</summary>
    internal sealed class Seat(LiveTurn turn) : IDisposable
    {
        public void Dispose() => turn.Leave();
    }
}
