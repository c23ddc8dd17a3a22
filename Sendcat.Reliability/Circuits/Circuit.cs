using Microsoft.Extensions.Options;

namespace Sendcat.Reliability.Circuits;

/// <summary>One provider's circuit in this process: the present state, and word to the others with each epoch.</summary>
/// <param name="changed">Hears the states before and after.</param>
internal sealed class Circuit(string provider, IOptionsMonitor<CircuitOptions> options, TimeProvider time, Action<Circuit, CircuitState, CircuitState> changed)
{
    private readonly Lock _gate = new();
    private volatile CircuitState _state = CircuitState.Fresh;
    private long _successes;
    private long _lastSuccess;
    private DateTimeOffset? _lastFailureAt;
    private DateTimeOffset? _changedAt;
    private string? _lastError;

    public string Provider => provider;

    public CircuitState State => _state;

    private CircuitPolicy Policy => options.CurrentValue.For(provider);

    /// <summary>Decides on what this process knows; no lock while the circuit is closed.</summary>
    /// <returns>Null: half-open and nobody here probes, the caller may be the one.</returns>
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

    /// <summary>For a call that must not decide anything: let through while the circuit is closed, and never the probe.</summary>
    public CircuitEntry EnterAside() => Enter() ?? Refusal(TimeSpan.FromSeconds(1));

    /// <summary>Becomes the probe, unless somebody here was quicker.</summary>
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

    /// <summary>Another replica probes: nobody here needs to ask for a moment.</summary>
    public CircuitEntry LeaveProbeToOthers()
    {
        lock (_gate)
        {
            return EnterAside();
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

        // The usual case, without a lock: a circuit in order, a call in order.
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
                (_lastFailureAt, _lastError) = (now, $"account refused: {refusal.Word()}");
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

    public void Adopt(long epoch, DateTimeOffset? openUntil, Suspension? suspended)
    {
        lock (_gate)
        {
            var adopted = _state.Adopt(epoch, openUntil, suspended);
            if (!ReferenceEquals(adopted, _state))
            {
                (_state, _changedAt) = (adopted, time.GetUtcNow());
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
                phase switch { CircuitPhase.Closed => "closed", CircuitPhase.Open => "open", _ => "half_open" },
                phase is CircuitPhase.Closed ? _state.Failures.Count(at => now - at < Policy.Window) : Math.Max(_state.Failures.Length, 1),
                Interlocked.Read(ref _successes),
                _lastFailureAt,
                lastSuccess,
                _state.OpenUntil,
                phase is CircuitPhase.Closed && _state is { Failures.IsEmpty: true, Refusals.None: true } ? null : _lastError,
                new[] { _lastFailureAt, lastSuccess, _changedAt }.Max())
            {
                Suspended = _state.Suspended?.Word(),
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
            }
        }

        if (after.Epoch != before.Epoch)
        {
            changed(this, before, after);
        }
    }
}
