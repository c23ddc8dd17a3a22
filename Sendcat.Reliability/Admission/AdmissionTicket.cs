using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Admission;

/// <summary>Everything that a turn holds. It is renewed until it is disposed, and given back exactly once, also when Redis is away at that moment.</summary>
public sealed class AdmissionTicket : IAsyncDisposable
{
    private readonly ClaimStore _claims;
    private readonly WindowClaim? _tools;
    private readonly IReadOnlyList<Claim> _taken;
    private readonly bool _local;
    private readonly long _takenAt;
    private int _toolCalls;
    private int _settled;

    /// <param name="taken">All that was claimed.</param>
    /// <param name="local">Decided without Redis, which has counted nothing of it.</param>
    /// <param name="tools">The window of tool calls, at the cost that the turn was estimated at; null when nobody counts them.</param>
    internal AdmissionTicket(HeldLease? held, ClaimStore claims, IReadOnlyList<Claim> taken, bool local, WindowClaim? tools)
    {
        (Held, _claims, _taken, _local, _tools) = (held, claims, taken, local, tools);
        _takenAt = claims.Timestamp();
    }

    /// <summary>Null while no guard wanted a place.</summary>
    internal HeldLease? Held { get; }

    /// <summary>Cancelled when the leases are gone although nobody disposed the ticket: another turn took them over, or this process slept past their expiry.</summary>
    public CancellationToken Lost => Held?.Lost ?? CancellationToken.None;

    /// <summary>Tells of tool calls as they are made. What goes beyond the estimate that the turn was admitted with is counted now; what it did not use is over with its second.</summary>
    public ValueTask ToolsCalledAsync(int calls)
    {
        if (_tools is null)
        {
            return ValueTask.CompletedTask;
        }

        var all = Interlocked.Add(ref _toolCalls, calls);
        return _claims.SettleAsync(_tools, Math.Max(0, all - _tools.Cost) - Math.Max(0, all - calls - _tools.Cost));
    }

    /// <summary>Sets what was reserved for the turn to what it has spent. Counts once.</summary>
    public ValueTask SpentAsync(long tokens, long microUsd) =>
        Interlocked.Exchange(ref _settled, 1) != 0 ? ValueTask.CompletedTask : _claims.SettleAsync(
            [.. _taken.OfType<WindowClaim>().Where(window => window.Reserves is not null).Select(window => new Settlement(window, window.Reserves is SpendUnit.Tokens ? tokens : microUsd))],
            _takenAt,
            _local);

    /// <summary>Disposes the ticket of a turn that should not have asked: the windows forget it as well.</summary>
    public async ValueTask WithdrawAsync()
    {
        await DisposeAsync();
        if (Interlocked.Exchange(ref _settled, 1) == 0)
        {
            await _claims.WithdrawAsync(_taken, _takenAt, _local);
        }
    }

    public ValueTask DisposeAsync() => Held?.DisposeAsync() ?? ValueTask.CompletedTask;
}
