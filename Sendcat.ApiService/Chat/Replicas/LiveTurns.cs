using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Providers;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Slo;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// Owns every turn that runs in this process, from its first event until its rows are committed and its ticket is released. A turn outlives
/// its connection; it ends by itself, by <see cref="LiveTurn.End"/>, or with the host.
/// </summary>
internal sealed class LiveTurns(
    TurnDirectory directory, TurnJournal journal, SliRecorder slis, IOptionsMonitor<ChatOptions> options, TimeProvider time,
    IHostApplicationLifetime host, TurnFailures failures, ILogger<LiveTurns> logger) : IHostedService, IDisposable
{
    /// <summary>The maximum delay of a turn's last event while Postgres or Redis does not respond.</summary>
    private static readonly TimeSpan MaxSettleWait = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Guid, LiveTurn> _byStream = [];

    /// <summary>The running turns of each thread, the newest first. An array is never changed.</summary>
    private readonly ConcurrentDictionary<Guid, LiveTurn[]> _byThread = [];

    /// <summary>
    /// Interval at which a turn without changes checks whether it was closed in Postgres: its thread was deleted, or the signal of an abort
    /// was lost. A turn that streams text checks with every checkpoint.
    /// </summary>
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(5);

    private CancellationTokenRegistration _stopping;
    private ITimer? _drain;
    private ITimer? _check;

    /// <summary>Turns that run in this process.</summary>
    public int Count => _byStream.Count;

    /// <summary>The turns that have waited longer for their first token.</summary>
    public int WaitingLongerThan(TimeSpan limit) =>
        _byStream.Values.Count(turn => turn.HasToken?.Invoke() == false && time.GetElapsedTime(turn.Start.AcceptedAt) > limit);

    public LiveTurn? ByStream(Guid streamId) => _byStream.GetValueOrDefault(streamId);

    /// <summary>
    /// The thread's running turns of this process, the newest first. A newer one may run on another replica: see <see cref="ThreadTurns"/>.
    /// </summary>
    public IReadOnlyList<LiveTurn> OfThread(Guid threadId) => _byThread.GetValueOrDefault(threadId, []);

    /// <summary>The running turns that no newer turn of their thread has replaced.</summary>
    public IReadOnlyCollection<LiveTurn> NewestOfThreads() =>
        [.. _byThread.Values.Select(turns => turns[0]).Where(turn => !turn.IsSuperseded)];

    /// <summary>The running turns whose request named the thread so. It looks at every turn of the process.</summary>
    /// <param name="name">See <see cref="StartingTurns.NameOf"/>.</param>
    public IReadOnlyList<LiveTurn> Named(Guid name) => [.. _byStream.Values.Where(turn => turn.ThreadName == name)];

    /// <summary>
    /// Starts a turn and supersedes an earlier one of the same thread. It ends at once if it was aborted while it was starting.
    /// </summary>
    /// <param name="starting">The request that starts it.</param>
    /// <param name="ticket">Disposed here when the turn has ended.</param>
    public LiveTurn Begin(
        TurnStart start, TurnRecord record, bool usesUiDialect, StartingTurn starting, Func<LiveTurn, ChatTurn> engine,
        AdmissionTicket ticket)
    {
        var turn = new LiveTurn(start, record, usesUiDialect, OnDetached, turn => directory.MarkAttached(turn.Start))
        {
            ThreadName = starting.Name, ReceivedAt = starting.ReceivedAt,
        };
        OfThread(start.ThreadId).FirstOrDefault()?.Supersede();

        _byThread.AddOrUpdate(start.ThreadId, static (_, turn) => [turn], static (_, earlier, turn) => [turn, .. earlier], turn);
        _byStream[start.StreamId] = turn;
        ChatMetrics.TurnsActive.Add(1);
        if (starting.Begins(turn))
        {
            // Before the model is called.
            turn.End(TurnEnding.UserAbort);
        }

        // The turn begins on the caller's thread, so that its first event is in the feed before the response begins. StopAsync awaits its
        // end through LiveTurn.Ended.
        var run = engine(turn);
        turn.HasToken = () => run.FirstTokenAt is not null;
        _ = RunAsync(turn, run, ticket);
        return turn;
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _check = time.CreateTimer(_ => CheckAll(), null, CheckInterval, CheckInterval);
        _stopping = host.ApplicationStopping.Register(() =>
            _drain = time.CreateTimer(
                _ => EndAll(TurnEnding.HostStopping), null, TimeSpan.FromMilliseconds(options.CurrentValue.DrainMs),
                Timeout.InfiniteTimeSpan));
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await using var deadline = cancellationToken.UnsafeRegister(
            static state => ((LiveTurns)state!).EndAll(TurnEnding.HostStopping), this);
        await Task.WhenAll(_byStream.Values.Select(turn => turn.Ended));
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _drain?.Dispose();
        _check?.Dispose();
    }

    private void CheckAll()
    {
        foreach (var turn in _byStream.Values)
        {
            journal.WriteLater(turn.Record);
        }
    }

    private void EndAll(TurnEnding ending)
    {
        foreach (var turn in _byStream.Values)
        {
            turn.End(ending);
        }
    }

    private async Task RunAsync(LiveTurn turn, ChatTurn engine, AdmissionTicket ticket)
    {
        await using var leaseLost = ticket.Lost.UnsafeRegister(static state => ((LiveTurn)state!).End(TurnEnding.Superseded), turn);
        await using var limit = time.CreateTimer(
            static state => ((LiveTurn)state!).End(TurnEnding.TimeLimit), turn,
            TimeSpan.FromMilliseconds(options.CurrentValue.TurnTimeoutMs), Timeout.InfiniteTimeSpan);
        using var span = turn.Record.Span = TurnSpan.Start(turn.Start, turn.Record.MessageId);
        journal.WriteSoon(turn.Record);

        ChatEvent last;
        ProviderError? providerError = null;
        try
        {
            await ReadAsync(engine.RunAsync(turn.Stopping), turn.Feed);
            last = new ChatEvent.Done(engine.FinishReason);
        }
        catch (OperationCanceledException) when (turn.Ending is not null)
        {
            last = LastEventOf(turn.Ending.Value, engine.Call);
        }
        catch (TurnRefusedException refused)
        {
            failures.RanOutOfBudget(turn.Start.StreamId, refused.Refusal.Reason);
            last = LastEventOf(refused.Refusal, engine.Call);
        }
        catch (ProviderException failure)
        {
            var error = providerError = failure.Error;
            engine.Call?.Failed(failure.Usage);
            failures.Failed(turn.Start.StreamId, failure);
            last = new ChatEvent.Error(
                error.Code, error.Message, error.Retryable, error.RetryAfterMs, error.RouteId,
                failure.RequestSent ? engine.Call?.Metrics() : null);
        }
        catch (Exception unexpected)
        {
            logger.TurnFailedUnexpectedly(turn.Start.StreamId, unexpected);
            last = new ChatEvent.Error("internal_error", "Something went wrong.", true, null, null, engine.Call?.Metrics());
        }

        turn.Feed.Notify();
        turn.Record.Trail?.Ended(
            turn.Ending?.Name(), providerError, (last as ChatEvent.Error)?.Code, engine.TokensSpent, engine.Cost.MicroUsd);
        await SettleAsync(turn, last, engine, ticket);
    }

    /// <summary>
    /// Batches events that the provider sent together: readers are notified when the next event is not available synchronously.
    /// </summary>
    internal static async Task ReadAsync(IAsyncEnumerable<ChatEvent> source, TurnFeed feed)
    {
        await using var events = source.GetAsyncEnumerator();
        while (true)
        {
            var next = events.MoveNextAsync();
            if (!next.IsCompleted)
            {
                feed.Notify();
            }

            if (!await next)
            {
                return;
            }

            feed.Add(events.Current);
        }
    }

    private async Task SettleAsync(LiveTurn turn, ChatEvent last, ChatTurn engine, AdmissionTicket ticket)
    {
        turn.MarkEnded();
        var cost = engine.Cost;
        turn.Record.End(StatusOf(last), time.GetUtcNow(), cost);
        journal.WriteNow(turn.Record);

        // The reader gets the last event after the rows are committed and the slot is released, so that its next request finds both. A
        // database that does not respond delays the event by MaxSettleWait at most; the journal keeps the changes in memory and retries.
        var releasing = ticket.DisposeAsync().AsTask();
        var unregistering = directory.UnregisterAsync(turn.Start);
        var settling = ticket.SpentAsync(engine.TokensSpent, cost.MicroUsd).AsTask();
        try
        {
            await Task.WhenAll(turn.Record.WrittenAsync(), releasing, unregistering, settling)
                .WaitAsync(MaxSettleWait, time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            logger.TurnCommitLate(turn.Start.StreamId);
        }
        catch (Exception unexpected)
        {
            logger.TurnFailedUnexpectedly(turn.Start.StreamId, unexpected);
        }

        if (turn.ClosedElsewhere is { } closed)
        {
            // The last commit, too, may find that the turn was closed in Postgres: then that is what is stored of it, whatever it reached
            // here.
            last = LastEventOf(closed, engine.Call);
        }

        var (status, ending) = (StatusOf(last), turn.ClosedElsewhere ?? turn.Ending);
        // Before the last event is added, so that a reader that has seen it finds no running turn, and the turn in the service levels.
        _byStream.TryRemove(turn.Start.StreamId, out _);
        RemoveFromThread(turn);
        ChatMetrics.TurnsActive.Add(-1);
        ChatMetrics.TurnEnded(status, ending);
        if (!turn.RequestRefused && TurnServiceLevel.Of(last, ending, turn.Start.AcceptedAt, engine.FirstTokenAt, time) is { } ended)
        {
            slis.Ended(MeasuredEndpoint.Chat.Path, ended with { IsPartial = engine.LaneWasFull });
        }

        turn.Feed.Add(last);
        turn.Feed.Complete();
        TurnSpan.End(turn.Record.Span, status, ending);
        turn.Dispose();
    }

    private void RemoveFromThread(LiveTurn turn)
    {
        var thread = turn.Start.ThreadId;
        while (_byThread.TryGetValue(thread, out var running))
        {
            // Both compare the array by reference, so that a turn that begins at the same moment is not lost.
            if (running.Length == 1
                ? _byThread.TryRemove(KeyValuePair.Create(thread, running))
                : _byThread.TryUpdate(thread, [.. running.Where(other => other != turn)], running))
            {
                return;
            }
        }
    }

    private static string StatusOf(ChatEvent last) => last switch
    {
        ChatEvent.Done => MessageStatus.Completed,
        ChatEvent.Aborted => MessageStatus.Aborted,
        _ => MessageStatus.Error,
    };

    private static ChatEvent.Error LastEventOf(ReservationRefusal refusal, ModelCall? call)
    {
        var retryAfterMs = (int)Math.Min(refusal.RetryAfter.TotalMilliseconds, int.MaxValue);
        return refusal.Reason == RateLimitBucket.ChatMoney.Name()
            ? new(ChatEvent.Error.RateLimited, "Your budget of money is used up.", true, retryAfterMs, call?.RouteId, call?.Metrics())
            : new(
                "upstream_unavailable", "The service cannot check its limits at the moment.", true, retryAfterMs, call?.RouteId,
                call?.Metrics());
    }

    private static ChatEvent LastEventOf(TurnEnding ending, ModelCall? call) => ending switch
    {
        TurnEnding.TimeLimit => new ChatEvent.Error(
            "upstream_timeout", "The answer took too long.", true, 1000, call?.RouteId, call?.Metrics()),
        TurnEnding.HostStopping => new ChatEvent.Error(
            "upstream_unavailable", "The service is restarting. Please ask again.", true, 1000, call?.RouteId, call?.Metrics()),
        TurnEnding.ThreadDeleted => ChatEvent.Error.ThreadDeleted(call?.RouteId, call?.Metrics()),
        TurnEnding.Disowned => new ChatEvent.Error(
            "internal_error", "The conversation was closed elsewhere.", false, null, call?.RouteId, call?.Metrics()),
        _ => new ChatEvent.Aborted(),
    };

    /// <returns>The timer that ends the turn after the grace period; null to end it at once.</returns>
    private ITimer? OnDetached(LiveTurn turn)
    {
        var grace = TimeSpan.FromMilliseconds(options.CurrentValue.DetachGraceMs);
        if (grace == TimeSpan.Zero)
        {
            return null;
        }

        directory.MarkDetached(turn.Start, grace);
        return time.CreateTimer(static state => ((LiveTurn)state!).EndIfUnread(), turn, grace, Timeout.InfiniteTimeSpan);
    }
}
