namespace Sendcat.IntegrationTests;

/// <summary>
/// The only polling helper of these tests. A test polls only for a state that no signal reports: a row in Postgres, a key in Redis, the
/// state of another process. Otherwise it awaits a task, a log line or a counter of the emulator.
/// </summary>
internal static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    /// <summary>Evaluates the condition every 50 ms until it is true.</summary>
    /// <exception cref="OperationCanceledException">The condition was not true within 60 s.</exception>
    public static async Task TrueAsync(Func<Task<bool>> condition)
    {
        using var timeout = new CancellationTokenSource(MaxWait);
        using var timer = new PeriodicTimer(Interval);
        while (!await IsTrueAsync(condition))
        {
            await timer.WaitForNextTickAsync(timeout.Token);
        }
    }

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}})"/>
    public static Task TrueAsync(Func<bool> condition) => TrueAsync(() => Task.FromResult(condition()));

    /// <summary>A service that fails or does not respond has not reached the state yet.</summary>
    private static async Task<bool> IsTrueAsync(Func<Task<bool>> condition)
    {
        try
        {
            return await condition();
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
