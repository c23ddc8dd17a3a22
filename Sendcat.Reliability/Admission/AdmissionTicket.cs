using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Admission;

/// <summary>
/// All leases of a turn. They are renewed until the ticket is disposed, and released exactly once, even if Redis is unavailable at that
/// moment.
/// </summary>
public sealed class AdmissionTicket : IAsyncDisposable
{
    private readonly ClaimStore _claims;
    private readonly WindowClaim? _tools;
    private readonly IReadOnlyList<Claim> _taken;
    private readonly long _takenAt;
    private int _toolCalls;
    private int _settled;

    /// <param name="held">The leases; null when no guard claimed a slot.</param>
    /// <param name="claims">The store that took the claims.</param>
    /// <param name="taken">All claims of the turn.</param>
    /// <param name="local">True: decided without Redis, which has counted none of the claims.</param>
    /// <param name="tools">The window of tool calls with the estimated cost of the turn; null when tool calls are not counted.</param>
    internal AdmissionTicket(HeldLease? held, ClaimStore claims, IReadOnlyList<Claim> taken, bool local, WindowClaim? tools)
    {
        (Held, _claims, _taken, IsLocal, _tools) = (held, claims, taken, local, tools);
        _takenAt = claims.Timestamp();
    }

    /// <summary>
    /// True: Redis was unavailable, and this process decided on its own counts alone. Another one may have admitted a turn of the same
    /// message.
    /// </summary>
    public bool IsLocal { get; }

    /// <summary>The leases; null when no guard claimed a slot.</summary>
    internal HeldLease? Held { get; }

    /// <summary>
    /// Cancelled when the leases are lost before the ticket is disposed: another turn took over the slot, or this process was suspended
    /// past their expiry.
    /// </summary>
    public CancellationToken Lost => Held?.Lost ?? CancellationToken.None;

    /// <summary>
    /// Reports tool calls when they are made. Calls beyond the estimate of the turn are counted now. Unused calls of the estimate are not
    /// refunded, because their window is one second.
    /// </summary>
    /// <param name="calls">The new calls.</param>
    public ValueTask ToolsCalledAsync(int calls)
    {
        if (_tools is null)
        {
            return ValueTask.CompletedTask;
        }

        var all = Interlocked.Add(ref _toolCalls, calls);
        return _claims.SettleAsync(_tools, Math.Max(0, all - _tools.Cost) - Math.Max(0, all - calls - _tools.Cost));
    }

    /// <summary>Replaces the reserved cost of the turn by its actual cost. Only the first call has an effect.</summary>
    /// <param name="tokens">Tokens that the turn has used.</param>
    /// <param name="microUsd">Cost of the turn in millionths of a US dollar.</param>
    public ValueTask SpentAsync(long tokens, long microUsd) =>
        Interlocked.Exchange(ref _settled, 1) != 0
            ? ValueTask.CompletedTask
            : _claims.SettleAsync(
                [
                    .. _taken.OfType<WindowClaim>()
                        .Where(window => window.Reserves is not null)
                        .Select(window => new Settlement(window, window.Reserves is SpendUnit.Tokens ? tokens : microUsd)),
                ],
                _takenAt,
                IsLocal);

    /// <summary>Disposes the ticket of a turn that must not count: its costs are removed from the windows too.</summary>
    public async ValueTask WithdrawAsync()
    {
        await DisposeAsync();
        if (Interlocked.Exchange(ref _settled, 1) == 0)
        {
            await _claims.WithdrawAsync(_taken, _takenAt, IsLocal);
        }
    }

    public ValueTask DisposeAsync() => Held?.DisposeAsync() ?? ValueTask.CompletedTask;
}
