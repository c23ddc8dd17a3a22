using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The cheapest check, before a token is validated or a row is read: requests per client address in this process. The shared window over all replicas is decided with admission.
/// </summary>
internal sealed class ChatDoor : IDisposable
{
    private readonly PartitionedRateLimiter<string> addresses;

    public ChatDoor(IOptionsMonitor<RateLimitOptions> options) => addresses = PartitionedRateLimiter.Create<string, (string, int, int)>(key =>
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

    public ApiError? Refuses(HttpContext http)
    {
        if (ClientAddress.IsLoopback(http))
        {
            return null;
        }

        using var lease = addresses.AttemptAcquire(ClientAddress.KeyOf(http));
        return lease.IsAcquired ? null : ApiError.RateLimited(lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1));
    }

    public void Dispose() => addresses.Dispose();
}
