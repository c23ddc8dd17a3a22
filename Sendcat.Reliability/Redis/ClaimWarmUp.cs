using Microsoft.Extensions.Hosting;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// Decides once before the host serves: Redis gets the script, and this process has compiled the way to it and back. Without it the first requests of a burst pay for both within their decision time.
/// </summary>
internal sealed class ClaimWarmUp(ClaimStore claims, ReplicaId replica) : IHostedService
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Twice: compiling may use up the decision time of the first.
        for (var n = 0; n < 2; n++)
        {
            await claims.TakeAsync("warm-up", [new WindowClaim("warm_up", RedisKeys.RateLimit("warm_up", replica.ToString()), 1, Window, Cost: 0)], [], cancellationToken);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
