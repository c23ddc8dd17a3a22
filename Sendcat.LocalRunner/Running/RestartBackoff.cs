namespace Sendcat.LocalRunner.Running;

/// <summary>How long a process that ended by itself waits for its next start.</summary>
internal static class RestartBackoff
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>One that ran this long starts counting anew.</summary>
    public static readonly TimeSpan Steady = TimeSpan.FromSeconds(30);

    /// <param name="failures">Ends in a row, 1 or more.</param>
    public static TimeSpan Delay(int failures) => TimeSpan.FromTicks(Math.Min(Longest.Ticks, First.Ticks << Math.Min(failures - 1, 16)));
}
