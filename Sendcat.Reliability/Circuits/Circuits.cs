using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.Providers;
using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Circuits;

/// <summary>
/// The circuit breakers of the providers. A decision uses the state of this process and does not wait. The replicas share openings and
/// closings, and while Redis is available a half-open circuit permits one probe over all replicas.
/// </summary>
public sealed class Circuits
{
    /// <summary>Bucket of the event that is recorded for a suspension.</summary>
    public const string SuspensionBucket = "provider_suspension";

    private static readonly RedisScript Probing = RedisScript.Embedded("probe.lua");

    private readonly ConcurrentDictionary<string, Circuit> _circuits = new(StringComparer.Ordinal);
    private readonly CircuitSharing _sharing;
    private readonly GuardedRedis _redis;
    private readonly ReplicaId _replica;
    private readonly ProviderCatalog _providers;
    private readonly IOptionsMonitor<CircuitOptions> _options;
    private readonly TimeProvider _time;
    private readonly RateLimitEvents _events;
    private readonly IncidentMarks _marks;
    private readonly ReliabilityMetrics _metrics;
    private readonly ILogger<Circuits> _logger;

    internal Circuits(
        CircuitSharing sharing,
        GuardedRedis redis,
        ReplicaId replica,
        ProviderCatalog providers,
        IOptionsMonitor<CircuitOptions> options,
        TimeProvider time,
        RateLimitEvents events,
        IncidentMarks marks,
        ReliabilityMetrics metrics,
        ILogger<Circuits> logger)
    {
        (_sharing, _redis, _replica, _providers) = (sharing, redis, replica, providers);
        (_options, _time, _events, _marks, _metrics, _logger) = (options, time, events, marks, metrics, logger);
        sharing.Attach(this);
    }

    /// <summary>
    /// Requests permission to call the provider. A closed or open circuit decides at once; only a half-open one makes a request to Redis,
    /// to choose the probe.
    /// </summary>
    /// <exception cref="OperationCanceledException">The caller cancelled before Redis responded.</exception>
    public ValueTask<CircuitEntry> EnterAsync(string provider, CancellationToken cancellationToken)
    {
        var circuit = Of(provider);
        if (circuit.Enter() is not { } decided)
        {
            return ProbeAsync(circuit, cancellationToken);
        }

        return new(CountRefusal(provider, decided));
    }

    /// <summary>
    /// For a call that must not count for the circuit, such as one with a model that the caller chose: permitted while the circuit is
    /// closed, and never as the probe.
    /// </summary>
    public CircuitEntry EnterWithoutProbe(string provider) => CountRefusal(provider, Of(provider).EnterWithoutProbe());

    /// <summary>The suspension of the provider, by the state of this process; null when it is not suspended.</summary>
    public SuspensionReading? SuspensionOf(string provider) => Of(provider).ReadSuspension();

    /// <summary>The present state of every circuit. The circuit of a provider without a call yet is closed.</summary>
    public IReadOnlyList<CircuitReading> States() =>
        [.. All.Select(circuit => circuit.Read())];

    /// <summary>The present thresholds and times of a provider.</summary>
    /// <exception cref="ArgumentException">No provider of this name is registered.</exception>
    public CircuitPolicy PolicyOf(string provider)
    {
        var (limits, options) = (_providers.LimitsOf(provider), _options.CurrentValue);
        return new(
            limits.CircuitThreshold, TimeSpan.FromMilliseconds(limits.CircuitCooldownMs),
            TimeSpan.FromMilliseconds(options.FailureWindowMs), TimeSpan.FromMilliseconds(options.ProbeTimeoutMs));
    }

    /// <summary>
    /// An operator isolates a provider: its circuit is open on all replicas, and after the duration one probe decides. Calls fail over as
    /// they do when the provider fails.
    /// </summary>
    /// <returns>False: Redis is unavailable, and only this process has the change.</returns>
    /// <exception cref="ArgumentException">No provider of this name is registered.</exception>
    public Task<bool> IsolateAsync(string provider, TimeSpan duration, CancellationToken cancellationToken) =>
        ChangeByHandAsync(provider, circuit => circuit.Isolate(duration), cancellationToken);

    /// <summary>An operator closes a circuit on all replicas, whatever has opened it.</summary>
    /// <inheritdoc cref="IsolateAsync"/>
    public Task<bool> CloseAsync(string provider, CancellationToken cancellationToken) =>
        ChangeByHandAsync(provider, circuit => circuit.Close(), cancellationToken);

    /// <summary>A change counts when its epoch is newer than all others, so the newest state is adopted first.</summary>
    private async Task<bool> ChangeByHandAsync(string provider, Action<Circuit> change, CancellationToken cancellationToken)
    {
        _ = PolicyOf(provider);
        var circuit = Of(provider);
        await _sharing.TryExchangeAsync(circuit, cancellationToken);
        change(circuit);
        return await _sharing.TryExchangeAsync(circuit, cancellationToken);
    }

    internal IEnumerable<Circuit> All => _providers.All.Select(provider => Of(provider.Name));

    internal Circuit Of(string provider) =>
        _circuits.TryGetValue(provider, out var known)
            ? known
            : _circuits.GetOrAdd(provider, name => new(name, () => PolicyOf(name), _time, Changed));

    private async ValueTask<CircuitEntry> ProbeAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        var response = await _redis.EvaluateAsync(
            Probing,
            [RedisKeys.CircuitProbe(circuit.Provider)],
            [_replica.ToString(), circuit.State.Epoch, _options.CurrentValue.ProbeTimeoutMs],
            cancellationToken);
        return CountRefusal(circuit.Provider, response is not null && (int)response == 0 ? circuit.YieldProbe() : circuit.Probe());
    }

    private CircuitEntry CountRefusal(string provider, CircuitEntry entry)
    {
        if (entry.Permit is null)
        {
            _metrics.CircuitRefused(provider);
        }

        return entry;
    }

    private void Changed(Circuit circuit, CircuitState before, CircuitState after)
    {
        _sharing.SignalRound();
        if (after.OpenUntil == before.OpenUntil)
        {
            // The probe ended, or rejections were counted: the circuit neither opened nor closed.
            return;
        }

        _metrics.CircuitBecame(circuit.Provider, after.OpenUntil is null ? "closed" : "open");
        Mark(circuit, before, after);
        if (after is { Suspended: Suspension.Operator, OpenUntil: { } isolatedUntil })
        {
            _logger.ProviderIsolated(circuit.Provider, isolatedUntil);
        }
        else if (after is { Suspended: { } reason, OpenUntil: { } end })
        {
            Suspended(circuit.Provider, reason, end, isNew: before.Suspended != reason);
        }
        else if (before.Suspended is Suspension.Key or Suspension.Quota && after.OpenUntil is null)
        {
            _logger.ProviderResumed(circuit.Provider);
        }
        else if (after.OpenUntil is { } until)
        {
            _logger.CircuitOpened(circuit.Provider, after.Failures.Length, until);
        }
        else
        {
            _logger.CircuitClosed(circuit.Provider);
        }
    }

    /// <summary>Marks openings and closings in the timeline. A circuit that stays open after a failed probe is no new opening.</summary>
    private void Mark(Circuit circuit, CircuitState before, CircuitState after)
    {
        if (after.OpenUntil is not { } until)
        {
            _marks.Record(new(
                IncidentKind.CircuitClosed, circuit.Provider, "Closed",
                string.Create(CultureInfo.InvariantCulture,
                    $"circuit|{circuit.Provider}|{after.Epoch}|closed|{_time.GetUtcNow():yyyyMMddHHmm}")));
        }
        else if (before.OpenUntil is null || before.Suspended != after.Suspended)
        {
            var title = after.Suspended switch
            {
                null => string.Create(
                    CultureInfo.InvariantCulture,
                    $"Opened after {after.Failures.Length} {(after.Failures.Length == 1 ? "failure" : "failures")}"),
                Suspension.Operator => "Isolated by an operator",
                { } reason => $"Suspended: {reason.Name()}",
            };
            var error = after.Suspended is Suspension.Operator ? null : circuit.Read().LastError;
            _marks.Record(new(
                IncidentKind.CircuitOpened, circuit.Provider, title,
                string.Create(CultureInfo.InvariantCulture, $"circuit|{circuit.Provider}|{after.Epoch}|{until.ToUnixTimeMilliseconds()}"))
            {
                Detail = string.Create(CultureInfo.InvariantCulture,
                    $"until {until:yyyy-MM-dd HH:mm:ss}Z{(error is null ? "" : $": {error}")}"),
            });
        }
    }

    /// <summary>
    /// Reports a suspension, which needs action by an operator. Its start is logged and recorded as an event; its continuation is only
    /// logged.
    /// </summary>
    private void Suspended(string provider, Suspension reason, DateTimeOffset until, bool isNew)
    {
        if (!isNew)
        {
            _logger.ProviderStillSuspended(provider, reason.Name(), until);
            return;
        }

        _logger.ProviderSuspended(provider, reason.Name(), until);
        _metrics.ProviderSuspended(provider, reason.Name());
        _events.Record(
            new(RateLimitSource.ChatHttp, SuspensionBucket, $"{SuspensionBucket}:{provider}", RateLimitOutcome.Blocked, reason.Name())
            {
                RetryAfter = until - _time.GetUtcNow(),
            });
    }
}
