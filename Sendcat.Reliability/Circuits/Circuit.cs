namespace Sendcat.Reliability.Circuits;

/// <summary>The circuit breaker of one provider in this process. It holds the present state and reports each new epoch.</summary>
/// <param name="provider">Name of the provider.</param>
/// <param name="policy">Reads the present thresholds and times.</param>
/// <param name="time">The clock.</param>
/// <param name="changed">Called with the states before and after when the other replicas have to know the change.</param>
internal sealed class Circuit(
    string provider, Func<CircuitPolicy> policy, TimeProvider time, Action<Circuit, CircuitState, CircuitState> changed)
{
    private readonly Lock _gate = new();
    private volatile CircuitState _state = CircuitState.Fresh;
    private long _successes;
    private long _lastSuccess;
    private DateTimeOffset? _lastFailureAt;
    private DateTimeOffset? _changedAt;
    private string? _lastError;

    /// <summary>Of a circuit that another replica opened.</summary>
    private CircuitOpening? _openedElsewhere;

    public string Provider => provider;

    public CircuitState State => _state;

    private CircuitPolicy Policy => policy();

    private CircuitOpening Opening => _openedElsewhere ?? new(Math.Max(_state.Failures.Length, 1), _lastError);

    /// <summary>Decides on the state of this process, without a lock.</summary>
    /// <returns>Null: the circuit is half-open and no call of this process probes, so the caller may become the probe.</returns>
    public CircuitEntry? Enter()
    {
        var (state, now) = (_state, time.GetUtcNow());
        return state.Phase(now) switch
        {
            CircuitPhase.Closed => new(new(this, state.Epoch, probe: false), TimeSpan.Zero),
            CircuitPhase.Open => new(null, state.RetryAfter(now), state.Suspended),
            _ => state.IsProbing(now) ? new(null, state.RetryAfter(now), state.Suspended) : null,
        };
    }

    /// <summary>For a call that must not count for the circuit: permitted while the circuit is closed, and never as the probe.</summary>
    public CircuitEntry EnterWithoutProbe() => Enter() ?? Refusal(TimeSpan.FromSeconds(1));

    /// <summary>Makes the caller the probe, unless another call of this process became it first.</summary>
    public CircuitEntry Probe()
    {
        lock (_gate)
        {
            if (Enter() is { } decided)
            {
                return decided;
            }

            _state = _state.Probing(Policy, time.GetUtcNow());
            return new(new(this, _state.Epoch, probe: true), TimeSpan.Zero);
        }
    }

    /// <summary>Refuses the call, because another replica probes. The caller may retry after 1 s.</summary>
    public CircuitEntry YieldProbe()
    {
        lock (_gate)
        {
            return EnterWithoutProbe();
        }
    }

    /// <summary>Null unless the provider is suspended.</summary>
    public SuspensionReading? ReadSuspension()
    {
        var (state, now) = (_state, time.GetUtcNow());
        return state.Suspended is { } reason ? new(reason, state.RetryAfter(now)) : null;
    }

    public void Succeeded(long epoch)
    {
        Interlocked.Increment(ref _successes);
        Volatile.Write(ref _lastSuccess, time.GetUtcNow().UtcTicks);

        // Fast path without a lock: the circuit is closed and has no failures to reset.
        if (_state is { OpenUntil: null, Failures.IsEmpty: true, Refusals.None: true })
        {
            return;
        }

        Change(state => state.Succeeded(epoch));
    }

    public void Failed(long epoch, string error)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            (_lastFailureAt, _lastError) = (now, error.Length <= 500 ? error : error[..500]);
        }

        Change(state => state.Failed(epoch, Policy, now));
    }

    public void KeyAccepted(long epoch)
    {
        if (!_state.Refusals.None)
        {
            Change(state => state.KeyAccepted(epoch));
        }
    }

    public void AccountRefused(long epoch, Suspension refusal, bool configured)
    {
        var now = time.GetUtcNow();
        if (configured)
        {
            lock (_gate)
            {
                (_lastFailureAt, _lastError) = (now, $"account refused: {refusal.Name()}");
            }
        }

        Change(state => state.AccountRefused(epoch, refusal, configured, Policy, now));
    }

    public void Neutral(long epoch)
    {
        if (_state.OpenUntil is not null)
        {
            Change(state => state.Neutral(epoch));
        }
    }

    /// <summary>Opens the circuit by hand.</summary>
    public void Isolate(TimeSpan duration) => Change(state => state.Isolated(time.GetUtcNow() + duration));

    /// <summary>Closes the circuit by hand.</summary>
    public void Close() => Change(state => state.Closed());

    /// <summary>The present state, with what is to be sent to the other replicas. It counts as sent from now on.</summary>
    public CircuitState TakeUnshared()
    {
        lock (_gate)
        {
            var state = _state;
            _state = state.Sharing();
            return state;
        }
    }

    /// <inheritdoc cref="CircuitState.AdoptRefusals"/>
    public void AdoptRefusals(long epoch, AccountRefusals shared, bool added)
    {
        if (!shared.None || !_state.Refusals.None)
        {
            Change(state => state.AdoptRefusals(epoch, shared, added, Policy, time.GetUtcNow()));
        }
    }

    /// <summary>What opened the circuit; null while it is closed.</summary>
    public CircuitOpening? ReadOpening()
    {
        lock (_gate)
        {
            return _state.OpenUntil is null ? null : Opening;
        }
    }

    /// <param name="opening">What the other replica saw; null: not known.</param>
    /// <inheritdoc cref="CircuitState.Adopt"/>
    public void Adopt(long epoch, DateTimeOffset? openUntil, Suspension? suspended, CircuitOpening? opening)
    {
        lock (_gate)
        {
            var adopted = _state.Adopt(epoch, openUntil, suspended);
            if (!ReferenceEquals(adopted, _state))
            {
                (_state, _changedAt, _openedElsewhere) = (adopted, time.GetUtcNow(), opening);
            }
        }
    }

    public CircuitReading Read()
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            var success = Volatile.Read(ref _lastSuccess);
            DateTimeOffset? lastSuccess = success == 0 ? null : new DateTimeOffset(success, TimeSpan.Zero);
            var phase = _state.Phase(now);
            return new(
                provider,
                phase.Name(),
                phase is CircuitPhase.Closed ? _state.Failures.Count(at => now - at < Policy.Window) : Opening.Failures,
                Interlocked.Read(ref _successes),
                _lastFailureAt,
                lastSuccess,
                _state.OpenUntil,
                phase is not CircuitPhase.Closed ? Opening.Error
                    : _state is { Failures.IsEmpty: true, Refusals.None: true } ? null : _lastError,
                new[] { _lastFailureAt, lastSuccess, _changedAt }.Max())
            {
                Suspended = _state.Suspended?.Name(),
            };
        }
    }

    private CircuitEntry Refusal(TimeSpan retryAfter) => new(null, retryAfter, _state.Suspended);

    private void Change(Func<CircuitState, CircuitState> step)
    {
        CircuitState before, after;
        lock (_gate)
        {
            before = _state;
            _state = after = step(before);
            if (!ReferenceEquals(before, after))
            {
                _changedAt = time.GetUtcNow();
                _openedElsewhere = after.Epoch == before.Epoch ? _openedElsewhere : null;
            }
        }

        if (after.Epoch != before.Epoch || (after.Unshared != before.Unshared && !after.Unshared.None))
        {
            changed(this, before, after);
        }
    }
}
