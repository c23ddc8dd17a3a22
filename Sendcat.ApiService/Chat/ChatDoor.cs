using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.RateLimiting;
using RateLimiter = Sendcat.Reliability.RateLimiting.RateLimiter;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The cheapest check, before a token is validated or a row is read: requests per client address in this process. The shared window over all replicas is decided with admission.
/// </summary>
internal sealed class ChatDoor : IDisposable
{
    private readonly RateLimiter limiter;
    private readonly PartitionedRateLimiter<string> addresses;

    public ChatDoor(RateLimiter limiter, IOptionsMonitor<RateLimitOptions> options)
    {
        this.limiter = limiter;
        addresses = PartitionedRateLimiter.Create<string, (string, int, int)>(key =>
        {
            var limit = options.CurrentValue;
            // The limits are part of the key: a changed knob opens a new window.
            return RateLimitPartition.GetSlidingWindowLimiter((key, limit.ChatIpMax, limit.ChatIpWindowMs), static made => new SlidingWindowRateLimiterOptions
            {
                PermitLimit = made.Item2,
                Window = TimeSpan.FromMilliseconds(made.Item3),
                SegmentsPerWindow = 6,
            });
        });
    }

    public ApiError? Refuses(HttpContext http)
    {
        if (ClientAddress.IsLoopback(http))
        {
            return null;
        }

        var address = ClientAddress.KeyOf(http);
        using var lease = addresses.AttemptAcquire(address);
        if (lease.IsAcquired)
        {
            return null;
        }

        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var told) ? told : TimeSpan.FromSeconds(1);
        limiter.Refused(RateLimitBucket.ChatIp, address, wait, RouteTemplate.Of(http), http.Request.Method);
        return ApiError.RateLimited(wait);
    }

    public void Dispose() => addresses.Dispose();
}
