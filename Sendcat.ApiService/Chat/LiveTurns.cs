using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers;
using Sendcat.Reliability.Admission;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// Owns every turn that runs in this process, from its first event until its record is committed and what it held is given back. A turn outlives its connection;
/// it ends by itself, by <see cref="LiveTurn.End"/>, or with the host.
/// </summary>
internal sealed class LiveTurns(
    TurnDirectory directory, TurnJournal journal, IOptionsMonitor<ChatOptions> options, TimeProvider time, IHostApplicationLifetime host, ILogger<LiveTurns> logger) : IHostedService, IDisposable
{
    private static readonly TimeSpan LongestCommitWait = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Guid, LiveTurn> byStream = [];
    private readonly ConcurrentDictionary<Guid, LiveTurn> byThread = [];
    private CancellationTokenRegistration stopping;
    private ITimer? drain;

    public int Count => byStream.Count;

    public LiveTurn? ByStream(Guid streamId) => byStream.GetValueOrDefault(streamId);

    /// <summary>The thread's newest running turn.</summary>
    public LiveTurn? ByThread(Guid threadId) => byThread.GetValueOrDefault(threadId);

    public LiveTurn Begin(TurnStart start, TurnRecord record, bool speaksUi, Func<LiveTurn, ChatTurn> engine, AdmissionTicket ticket)
    {
        var turn = new LiveTurn(start, record, speaksUi, Left, turn => directory.Attached(turn.Start));
        ByThread(start.ThreadId)?.Supersede();

        byThread[start.ThreadId] = turn;
        byStream[start.StreamId] = turn;
        ChatMetrics.TurnsActive.Add(1);
        // The turn begins on the caller's thread, so that its first event is in the feed before the response is. Its end is awaited through LiveTurn.Ended.
        _ = RunAsync(turn, engine(turn), ticket);
        return turn;
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        stopping = host.ApplicationStopping.Register(() =>
            drain = time.CreateTimer(_ => EndAll(TurnEnding.HostStopping), null, TimeSpan.FromMilliseconds(options.CurrentValue.DrainMs), Timeout.InfiniteTimeSpan));
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await using var late = cancellationToken.UnsafeRegister(static state => ((LiveTurns)state!).EndAll(TurnEnding.HostStopping), this);
        await Task.WhenAll(byStream.Values.Select(turn => turn.Ended));
    }

    public void Dispose()
    {
        stopping.Dispose();
        drain?.Dispose();
    }

    private void EndAll(TurnEnding why)
    {
        foreach (var turn in byStream.Values)
        {
            turn.End(why);
        }
    }

    private async Task RunAsync(LiveTurn turn, ChatTurn engine, AdmissionTicket ticket)
    {
        await using var lost = ticket.Lost.UnsafeRegister(static state => ((LiveTurn)state!).End(TurnEnding.Superseded), turn);
        await using var limit = time.CreateTimer(
            static state => ((LiveTurn)state!).End(TurnEnding.TimeLimit), turn, TimeSpan.FromMilliseconds(options.CurrentValue.TurnTimeoutMs), Timeout.InfiniteTimeSpan);
        using var span = turn.Record.Span = TurnSpan.Start(turn.Start, turn.Record.MessageId);
        journal.WriteSoon(turn.Record);

        ChatEvent last;
        try
        {
            await ReadAsync(engine.RunAsync(turn.Stopping), turn.Feed);
            last = new ChatEvent.Done(engine.FinishReason);
        }
        catch (OperationCanceledException) when (turn.Ending is not null)
        {
            last = AfterEnding(turn.Ending.Value, engine.Call);
        }
        catch (ProviderException failure)
        {
            var error = failure.Error;
            logger.TurnFailed(turn.Start.StreamId, error.Code, error.RouteId, error.Status);
            last = new ChatEvent.Error(error.Code, error.Message, error.Retryable, error.RetryAfterMs, error.RouteId, failure.Asked ? engine.Call?.Metrics() : null);
        }
        catch (Exception surprise)
        {
            logger.TurnBroke(turn.Start.StreamId, surprise);
            last = new ChatEvent.Error("internal_error", "Something went wrong.", true, null, null, engine.Call?.Metrics());
        }

        turn.Feed.Notify();
        await SettleAsync(turn, last, engine, ticket);
    }

    /// <summary>Events that the provider sent together leave together; a reader is notified when the next one is not there at once.</summary>
    private static async Task ReadAsync(IAsyncEnumerable<ChatEvent> source, TurnFeed feed)
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
        var status = last switch
        {
            ChatEvent.Done => MessageStatus.Completed,
            ChatEvent.Aborted => MessageStatus.Aborted,
            _ => MessageStatus.Error,
        };
        turn.Settle();
        turn.Record.End(status, time.GetUtcNow());
        journal.WriteNow(turn.Record);

        // The reader hears of the end when the record is committed and the place is free, so that what he does next finds both. A database that is away holds him up
        // only so long; the journal keeps the record until it is back.
        var given = ticket.DisposeAsync().AsTask();
        var left = directory.LeaveAsync(turn.Start);
        var settled = ticket.SpentAsync(engine.TokensSpent, engine.MicroUsdSpent).AsTask();
        try
        {
            await Task.WhenAll(turn.Record.WrittenAsync(), given, left, settled).WaitAsync(LongestCommitWait, time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            logger.TurnRecordLate(turn.Start.StreamId);
        }
        catch (Exception surprise)
        {
            logger.TurnBroke(turn.Start.StreamId, surprise);
        }

        // First, so that a reader who has seen the end finds nothing running any more.
        byStream.TryRemove(turn.Start.StreamId, out _);
        byThread.TryRemove(KeyValuePair.Create(turn.Start.ThreadId, turn));
        turn.Feed.Add(last);
        turn.Feed.Complete();
        ChatMetrics.TurnsActive.Add(-1);
        ChatMetrics.TurnEnded(status, turn.Ending);
        TurnSpan.End(turn.Record.Span, status, turn.Ending);
        turn.Dispose();
    }

    private static ChatEvent AfterEnding(TurnEnding why, ModelCall? call) => why switch
    {
        TurnEnding.TimeLimit => new ChatEvent.Error("upstream_timeout", "The answer took too long.", true, 1000, call?.RouteId, call?.Metrics()),
        TurnEnding.HostStopping => new ChatEvent.Error("upstream_unavailable", "The service is restarting. Please ask again.", true, 1000, call?.RouteId, call?.Metrics()),
        TurnEnding.Disowned => new ChatEvent.Error("internal_error", "The conversation was closed elsewhere.", false, null, call?.RouteId, call?.Metrics()),
        _ => new ChatEvent.Aborted(),
    };

    private ITimer? Left(LiveTurn turn)
    {
        var grace = TimeSpan.FromMilliseconds(options.CurrentValue.DetachGraceMs);
        if (grace == TimeSpan.Zero)
        {
            return null;
        }

        directory.Detached(turn.Start, grace);
        return time.CreateTimer(static state => ((LiveTurn)state!).EndUnlessRead(), turn, grace, Timeout.InfiniteTimeSpan);
    }
}
