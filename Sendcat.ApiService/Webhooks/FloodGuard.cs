using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Webhooks;

/// <summary>
/// Bounds the deliveries of one address that are read and authenticated at the same time, so that a flood delays only its own address. It
/// counts in this process alone. Nothing is refused, because a delivery may be authentic.
/// </summary>
internal sealed class FloodGuard(IOptionsMonitor<WebhookOptions> options) : IDisposable
{
    private readonly PartitionedRateLimiter<SlotKey> _slots = PartitionedRateLimiter.Create<SlotKey, SlotKey>(
        static address => RateLimitPartition.GetConcurrencyLimiter(address, static key => new ConcurrencyLimiterOptions
        {
            PermitLimit = key.Max,
            QueueLimit = int.MaxValue,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        }));

    /// <summary>Waits for a slot of the address. Dispose it when the delivery is authenticated or refused.</summary>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public async ValueTask<IDisposable> EnterAsync(HttpContext http) =>
        await _slots.AcquireAsync(
            new(ClientAddress.KeyOf(http), options.CurrentValue.BodiesPerAddress), cancellationToken: http.RequestAborted);

    public void Dispose() => _slots.Dispose();

    /// <summary>The limit is part of the key, so that a changed knob has new slots.</summary>
    private readonly record struct SlotKey(string Address, int Max);
}
