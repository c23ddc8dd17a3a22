using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;
using RateLimiter = Sendcat.Reliability.RateLimiting.RateLimiter;

namespace Sendcat.ApiService.Http;

/// <summary>The limits of addresses as this process alone counts them. Asked before the windows that all replicas share, so that a flood costs no round trip to Redis.</summary>
internal sealed class AddressWindows : IDisposable
{
    private readonly RateLimiter limiter;
    private readonly IOptionsMonitor<RateLimitOptions> options;
    private readonly PartitionedRateLimiter<Name> windows = PartitionedRateLimiter.Create<Name, Name>(static name => RateLimitPartition.GetSlidingWindowLimiter(name, static made => new SlidingWindowRateLimiterOptions
    {
        PermitLimit = made.Max,
        Window = made.Window,
        SegmentsPerWindow = 6,
    }));

    public AddressWindows(RateLimiter limiter, IOptionsMonitor<RateLimitOptions> options) => (this.limiter, this.options) = (limiter, options);

    /// <returns>The time to wait, or null for a request that may go on.</returns>
    public TimeSpan? Refuses(HttpContext http, RateLimitBucket bucket, IReadOnlyList<LimitKey> addresses)
    {
        var (max, window) = options.CurrentValue.Of(bucket);
        foreach (var address in addresses)
        {
            using var lease = windows.AttemptAcquire(new(bucket, address.Name, max * address.Times, window));
            if (!lease.IsAcquired)
            {
                var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var told) ? told : TimeSpan.FromSeconds(1);
                limiter.Refused(bucket, address.Name, wait, RouteTemplate.Of(http), http.Request.Method);
                return wait;
            }
        }

        return null;
    }

    public void Dispose() => windows.Dispose();

    /// <summary>The limits are part of the name: a changed knob opens a new window.</summary>
    private readonly record struct Name(RateLimitBucket Bucket, string Address, int Max, TimeSpan Window);
}
