namespace Sendcat.AppHost;

/// <summary>The recent states of one instance of a resource. They decide whether and when it is restarted.</summary>
/// <param name="Restarts">Consecutive restarts, without a minute of running between them.</param>
/// <param name="StartedAt">When the current run started; null when the instance does not run.</param>
/// <param name="Stopped">True when a command is stopping it or has stopped it.</param>
/// <param name="Ended">True when its end was already handled. The same state can be reported several times.</param>
internal sealed record RestartHistory(int Restarts = 0, DateTimeOffset? StartedAt = null, bool Stopped = false, bool Ended = false)
{
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>After this running time the count of consecutive restarts starts again from 0.</summary>
    private static readonly TimeSpan Stable = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The history after the instance entered <paramref name="state"/>, and the pause before its restart; a null pause means no restart.
    /// Pauses are 1, 2, 4, … s, at most <see cref="LongestPause"/>.
    /// </summary>
    public (RestartHistory Next, TimeSpan? Pause) After(string state, DateTimeOffset now) => state switch
    {
        _ when state == KnownResourceStates.Running => (this with { StartedAt = StartedAt ?? now, Stopped = false, Ended = false }, null),
        _ when state == KnownResourceStates.Stopping => (this with { Stopped = true }, null),
        _ when KnownResourceStates.TerminalStates.Contains(state) => Ended ? (this, null) : AfterEnd(now),
        _ => (this, null),
    };

    private (RestartHistory Next, TimeSpan? Pause) AfterEnd(DateTimeOffset now)
    {
        if (Stopped)
        {
            return (this with { Restarts = 0, StartedAt = null, Ended = true }, null);
        }

        var before = now - StartedAt >= Stable ? 0 : Restarts;
        var pause = TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, Math.Pow(2, before)));
        return (this with { Restarts = before + 1, StartedAt = null, Ended = true }, pause);
    }
}
