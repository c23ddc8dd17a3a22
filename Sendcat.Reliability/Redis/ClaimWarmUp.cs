using Microsoft.Extensions.Hosting;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// Decides a claim without cost before the host serves requests: Redis loads the script, and this process compiles the code path (JIT).
/// Without the warm-up the first requests of a burst would spend their decision timeout on both.
/// </summary>
internal sealed class ClaimWarmUp(ClaimStore claims, ReplicaId replica) : IHostedService
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Two decisions: compilation may use up the decision timeout of the first.
        for (var n = 0; n < 2; n++)
        {
            var claim = new WindowClaim("warm_up", RedisKeys.RateLimit("warm_up", replica.ToString()), 1, Window, Cost: 0);
            await claims.TakeAsync("warm-up", [claim], [], cancellationToken);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
