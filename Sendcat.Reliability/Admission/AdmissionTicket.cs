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
    private readonly string _holder;
    private readonly Func<RedisFallback> _fallback;

    /// <summary>The reservations; those for money may be extended. Guarded by itself.</summary>
    private readonly List<TakenWindow> _reserved;
    private int _toolCalls;
    private int _settled;

    /// <param name="held">The leases; null when no guard claimed a slot.</param>
    /// <param name="claims">The store that took the claims.</param>
    /// <param name="taken">All claims of the turn.</param>
    /// <param name="local">True: decided without Redis, which has counted none of the claims.</param>
    /// <param name="tools">The window of tool calls with the estimated cost of the turn; null when tool calls are not counted.</param>
    /// <param name="holder">Identifies the turn.</param>
    /// <param name="fallback">What happens to a further reservation when Redis does not respond.</param>
    /// <param name="check">How the claims were decided.</param>
    internal AdmissionTicket(
        HeldLease? held, ClaimStore claims, IReadOnlyList<Claim> taken, bool local, WindowClaim? tools, string holder,
        Func<RedisFallback> fallback, AdmissionCheck check)
    {
        (Held, _claims, _taken, IsLocal, _tools, _holder, _fallback) = (held, claims, taken, local, tools, holder, fallback);
        Check = check;
        _takenAt = claims.Timestamp();
        _reserved =
        [
            .. taken.OfType<WindowClaim>().Where(window => window.Reserves is not null)
                .Select(window => new TakenWindow(window, _takenAt, local)),
        ];
    }

    /// <summary>How the turn was admitted, by limit.</summary>
    public AdmissionCheck Check { get; }

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

    /// <summary>A budget of money applies to the turn.</summary>
    public bool HasMoneyBudget
    {
        get
        {
            lock (_reserved)
            {
                return _reserved.Exists(taken => taken.Window.Reserves is SpendUnit.MicroUsd);
            }
        }
    }

    /// <summary>
    /// Makes sure that this much money is reserved for the turn, before a model call that may cost it. Without a budget of money, and while
    /// the reservation is sufficient, it sends no request to Redis. One call at a time.
    /// </summary>
    /// <param name="microUsd">The cost of the turn so far and the highest cost of the call, in millionths of a US dollar.</param>
    /// <returns>Null: it is reserved. Else why not; then the reservation is as before.</returns>
    public async ValueTask<ReservationRefusal?> ReserveMoneyAsync(long microUsd)
    {
        WindowClaim[] missing;
        lock (_reserved)
        {
            missing =
            [
                .. _reserved.Where(taken => taken.Window.Reserves is SpendUnit.MicroUsd)
                    .GroupBy(taken => taken.Window.Key, StringComparer.Ordinal)
                    .Select(claims => (claims.First().Window, Missing: microUsd - claims.Sum(taken => (long)taken.Window.Cost)))
                    .Where(budget => budget.Missing > 0)
                    .Select(budget => budget.Window with { Cost = (int)Math.Min(budget.Missing, int.MaxValue) }),
            ];
        }

        if (missing.Length == 0)
        {
            return null;
        }

        // It ends with the timeout of a decision. A cancellation could leave a reservation that nobody settles.
        var takenAt = _claims.Timestamp();
        var outcome = await _claims.TakeAsync(_holder, missing, [], CancellationToken.None, _fallback());
        if (outcome.Status is not ClaimStatus.Taken)
        {
            return new(outcome.RefusedBy?.Reason ?? AdmissionReason.RedisUnavailable, outcome.RetryAfter ?? LocalClaims.RetryAfter);
        }

        lock (_reserved)
        {
            _reserved.AddRange(missing.Select(window => new TakenWindow(window, takenAt, outcome.Local)));
        }

        return null;
    }

    /// <summary>Replaces the reserved cost of the turn by its actual cost. Only the first call has an effect.</summary>
    /// <param name="tokens">Tokens that the turn has used.</param>
    /// <param name="microUsd">
    /// Cost of the turn in millionths of a US dollar; null: unknown, and the reservation stays as the estimate.
    /// </param>
    public ValueTask SpentAsync(long tokens, long? microUsd)
    {
        if (Interlocked.Exchange(ref _settled, 1) != 0)
        {
            return ValueTask.CompletedTask;
        }

        lock (_reserved)
        {
            return _claims.SettleAsync(
            [
                .. _reserved.GroupBy(taken => taken.Window.Key, StringComparer.Ordinal).SelectMany(claims =>
                    Settlements([.. claims], claims.First().Window.Reserves is SpendUnit.Tokens ? tokens : microUsd)),
            ]);
        }
    }

    /// <summary>Disposes the ticket of a turn that must not count: its costs are removed from the windows too.</summary>
    public async ValueTask WithdrawAsync()
    {
        await DisposeAsync();
        if (Interlocked.Exchange(ref _settled, 1) == 0)
        {
            Settlement[] all;
            lock (_reserved)
            {
                all =
                [
                    .. _taken.OfType<WindowClaim>().Where(window => window.Reserves is null)
                        .Select(window => new TakenWindow(window, _takenAt, IsLocal)).Concat(_reserved)
                        .Select(taken => new Settlement(taken, 0)),
                ];
            }

            await _claims.SettleAsync(all);
        }
    }

    public ValueTask DisposeAsync() => Held?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>
    /// Each claim gets its part of the cost, the last one what is left, so that the unused part is subtracted from the window in which it
    /// was claimed.
    /// </summary>
    /// <param name="claims">All claims of the turn on one budget.</param>
    private static IEnumerable<Settlement> Settlements(TakenWindow[] claims, long? spent)
    {
        var left = spent ?? claims.Sum(taken => (long)taken.Window.Cost);
        for (var n = 0; n < claims.Length; n++)
        {
            var part = n == claims.Length - 1 ? left : Math.Min(left, claims[n].Window.Cost);
            left -= part;
            yield return new(claims[n], part);
        }
    }
}

/// <summary>Why a turn may not make its next model call.</summary>
/// <param name="Reason">The name of the budget, or <see cref="AdmissionReason.RedisUnavailable"/>.</param>
/// <param name="RetryAfter">Time until the call may fit.</param>
public sealed record ReservationRefusal(string Reason, TimeSpan RetryAfter);
