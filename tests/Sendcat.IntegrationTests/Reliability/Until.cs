namespace Sendcat.IntegrationTests.Reliability;

/// <summary>For what a store does in its own time and tells nobody: looks until it is so, or the test's patience is over.</summary>
internal static class Until
{
    public static async Task TrueAsync(Func<Task<bool>> question, int seconds = 30)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        while (!await question())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(25), TimeProvider.System, patience.Token);
        }
    }

    public static Task TrueAsync(Func<bool> question, int seconds = 30) => TrueAsync(() => Task.FromResult(question()), seconds);
}
