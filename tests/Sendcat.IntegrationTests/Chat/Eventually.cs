namespace Sendcat.IntegrationTests.Chat;

/// <summary>For facts of another process that no signal tells of. Fails after a generous minute.</summary>
internal static class Eventually
{
    public static async Task TrueAsync(Func<Task<bool>> fact)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!await fact())
        {
            await look.WaitForNextTickAsync(patience.Token);
        }
    }
}
