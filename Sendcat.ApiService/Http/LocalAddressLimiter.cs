using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;
using RateLimiter = Sendcat.Reliability.RateLimiting.RateLimiter;

namespace Sendcat.ApiService.Http;

/// <summary>
/// Sliding windows per network address that this process counts alone. They are checked before the windows that all replicas share, so that
/// a flood from one address costs no round trip to Redis.
/// </summary>
internal sealed class LocalAddressLimiter : IDisposable
{
    private readonly RateLimiter _limiter;
    private readonly IOptionsMonitor<RateLimitOptions> _options;
    private readonly PartitionedRateLimiter<WindowKey> _windows = PartitionedRateLimiter.Create<WindowKey, WindowKey>(
        static window => RateLimitPartition.GetSlidingWindowLimiter(window, static key => new SlidingWindowRateLimiterOptions
        {
            PermitLimit = key.Max,
            Window = key.Window,
            SegmentsPerWindow = 6,
        }));

    public LocalAddressLimiter(RateLimiter limiter, IOptionsMonitor<RateLimitOptions> options) => (_limiter, _options) = (limiter, options);

    /// <summary>Counts one request in the window of each address.</summary>
    /// <returns>The time to wait before the next attempt, or null if every window has room.</returns>
    public TimeSpan? Check(HttpContext http, RateLimitBucket bucket, IReadOnlyList<LimitKey> addresses)
    {
        var (max, window) = _options.CurrentValue.Of(bucket);
        foreach (var address in addresses)
        {
            using var lease = _windows.AttemptAcquire(new(bucket, address.Name, max * address.Times, window));
            if (!lease.IsAcquired)
            {
                var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? retryAfter : TimeSpan.FromSeconds(1);
                _limiter.Refused(bucket, address.Name, wait, RouteTemplate.Of(http), http.Request.Method);
                return wait;
            }
        }

        return null;
    }

    public void Dispose() => _windows.Dispose();

    /// <summary>The limits are part of the key, so that a changed knob opens a new window.</summary>
    private readonly record struct WindowKey(RateLimitBucket Bucket, string Address, int Max, TimeSpan Window);
}
