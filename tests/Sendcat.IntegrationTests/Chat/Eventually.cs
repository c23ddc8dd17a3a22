namespace Sendcat.IntegrationTests.Chat;

/// <summary>For facts of another process that no signal tells of. Fails after a generous minute.</summary>
internal static class Eventually
{
    public static async Task TrueAsync(Func<Task<bool>> fact)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!await HoldsAsync(fact))
        {
            await look.WaitForNextTickAsync(patience.Token);
        }
    }

    /// <summary>A service that answers with an error, or not at all, has not got there yet.</summary>
    private static async Task<bool> HoldsAsync(Func<Task<bool>> fact)
    {
        try
        {
            return await fact();
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
