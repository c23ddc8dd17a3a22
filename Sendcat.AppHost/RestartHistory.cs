namespace Sendcat.AppHost;

/// <summary>What one instance of a resource went through, as far as it decides whether and when to start it again.</summary>
/// <param name="Restarts">In a row, without a minute of running in between.</param>
/// <param name="StartedAt">Since when it runs; null when it does not.</param>
/// <param name="Stopped">A command stops it, or has stopped it.</param>
/// <param name="Ended">Its end was seen already; states are repeated.</param>
internal sealed record RestartHistory(int Restarts = 0, DateTimeOffset? StartedAt = null, bool Stopped = false, bool Ended = false)
{
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>After so much running, the next end is a new story.</summary>
    private static readonly TimeSpan Stable = TimeSpan.FromMinutes(1);

    /// <summary>The history after the instance entered a state, and the pause before a restart when one is due.</summary>
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
