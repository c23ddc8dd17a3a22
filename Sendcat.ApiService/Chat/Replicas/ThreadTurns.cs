using Sendcat.ApiService.Chat.Engine;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// The running turns of a thread, on all replicas: those of this process, those that are persisted, and the one that the
/// <see cref="TurnDirectory"/> has as the newest.
/// </summary>
internal sealed class ThreadTurns(LiveTurns turns, TurnDirectory directory)
{
    /// <param name="thread">With the persisted turns. One of this replica may be too new to be among them.</param>
    /// <returns>
    /// The newest first. Redis is queried only when a superseded turn is the newest one that is known here: the one that superseded it may
    /// be too new to be persisted.
    /// </returns>
    public async ValueTask<IReadOnlyList<RunningTurn>> FindAsync(ThreadHistory thread)
    {
        var here = turns.OfThread(thread.ThreadId);
        var known = Known(here, thread.RunningTurns);
        return here is [{ IsSuperseded: true } superseded, ..] && known[0].StreamId == superseded.Start.StreamId
            ? await WithNewestAsync(thread.ThreadId, known)
            : known;
    }

    /// <summary>As <see cref="FindAsync"/>, without Redis.</summary>
    public IReadOnlyList<RunningTurn> Known(ThreadHistory thread) => Known(turns.OfThread(thread.ThreadId), thread.RunningTurns);

    /// <returns>The turns, with the one that the directory has as the thread's newest one at the beginning.</returns>
    public async ValueTask<IReadOnlyList<RunningTurn>> WithNewestAsync(Guid threadId, IReadOnlyList<RunningTurn> known)
    {
        if (await directory.FindAsync(threadId) is not { } location)
        {
            return known;
        }

        var newest = known.FirstOrDefault(turn => turn.StreamId == location.StreamId)
            ?? new RunningTurn(location.StreamId, location.Replica, location.Asked);
        return [newest, .. known.Where(turn => turn.StreamId != newest.StreamId)];
    }

    private static IReadOnlyList<RunningTurn> Known(IReadOnlyList<LiveTurn> here, IReadOnlyList<RunningTurn> persisted) =>
        here.Count == 0 ? persisted
        // Turns of one millisecond keep their order: OrderByDescending is stable.
        : [
            .. here.Select(turn => turn.ToRunningTurn()).UnionBy(persisted, turn => turn.StreamId)
                .OrderByDescending(turn => StreamIds.CreatedAt(turn.StreamId))];
}
