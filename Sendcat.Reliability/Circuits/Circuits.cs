using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Circuits;

/// <summary>
/// Keeps calls away from providers that fail. Every decision is made on what this process knows, without waiting; openings and closings are shared, and the probe of a
/// half-open circuit is one for all replicas while Redis answers.
/// </summary>
public sealed class Circuits
{
    /// <summary>The providers with a policy of their own.</summary>
    public static readonly IReadOnlyList<string> Providers =
        ["openrouter_chat_primary", "openrouter_chat_secondary", "openrouter_chat", "serper_search", "gmail_oauth", "ebay_search", "global_search"];

    /// <summary>Bucket of the event that a suspension leaves.</summary>
    public const string SuspensionBucket = "provider_suspension";

    private static readonly RedisScript Probing = RedisScript.Embedded("probe.lua");

    private readonly ConcurrentDictionary<string, Circuit> _circuits = new(StringComparer.Ordinal);
    private readonly CircuitSharing _sharing;
    private readonly GuardedRedis _redis;
    private readonly ReplicaId _replica;
    private readonly IOptionsMonitor<CircuitOptions> _options;
    private readonly TimeProvider _time;
    private readonly RateLimitEvents _events;
    private readonly ReliabilityMetrics _metrics;
    private readonly ILogger<Circuits> _logger;

    internal Circuits(
        CircuitSharing sharing,
        GuardedRedis redis,
        ReplicaId replica,
        IOptionsMonitor<CircuitOptions> options,
        TimeProvider time,
        RateLimitEvents events,
        ReliabilityMetrics metrics,
        ILogger<Circuits> logger)
    {
        (_sharing, _redis, _replica, _options, _time, _events, _metrics, _logger) = (sharing, redis, replica, options, time, events, metrics, logger);
        sharing.Serve(this);
    }

    /// <summary>Asks for leave to call the provider. Closed and open circuits answer at once; only a half-open one asks Redis who may probe.</summary>
    public ValueTask<CircuitEntry> EnterAsync(string provider, CancellationToken cancellationToken)
    {
        var circuit = Of(provider);
        if (circuit.Enter() is not { } decided)
        {
            return ProbeAsync(circuit, cancellationToken);
        }

        return new(Counted(provider, decided));
    }

    /// <summary>For a call that must not decide anything about the provider, such as one with a model of the caller's own choice: let through while the circuit is closed, and never the probe.</summary>
    public CircuitEntry EnterAside(string provider) => Counted(provider, Of(provider).EnterAside());

    /// <summary>Null unless the provider is suspended, as far as this process knows.</summary>
    public SuspensionReading? SuspensionOf(string provider) => Of(provider).ReadSuspension();

    /// <summary>Every circuit as it is now; providers without a call yet are closed.</summary>
    public IReadOnlyList<CircuitReading> States() =>
        [.. Providers.Select(provider => Of(provider).Read()), .. _circuits.Values.Where(circuit => !Providers.Contains(circuit.Provider)).Select(circuit => circuit.Read())];

    internal IEnumerable<Circuit> All => Providers.Select(Of).Concat(_circuits.Values.Where(circuit => !Providers.Contains(circuit.Provider)));

    internal Circuit Of(string provider) =>
        _circuits.TryGetValue(provider, out var known) ? known : _circuits.GetOrAdd(provider, name => new(name, _options, _time, Changed));

    private async ValueTask<CircuitEntry> ProbeAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        var mine = await _redis.EvaluateAsync(
            Probing,
            [RedisKeys.CircuitProbe(circuit.Provider)],
            [_replica.ToString(), circuit.State.Epoch, _options.CurrentValue.ProbeTimeoutMs],
            cancellationToken);
        return Counted(circuit.Provider, mine is not null && (int)mine == 0 ? circuit.LeaveProbeToOthers() : circuit.Probe());
    }

    private CircuitEntry Counted(string provider, CircuitEntry entry)
    {
        if (entry.Permit is null)
        {
            _metrics.CircuitRefused(provider);
        }

        return entry;
    }

    private void Changed(Circuit circuit, CircuitState before, CircuitState after)
    {
        _sharing.Tell();
        if (after.OpenUntil == before.OpenUntil)
        {
            // Only the probe is free for another.
            return;
        }

        _metrics.CircuitBecame(circuit.Provider, after.OpenUntil is null ? "closed" : "open");
        if (after is { Suspended: { } reason, OpenUntil: { } end })
        {
            Suspended(circuit.Provider, reason, end, isNew: before.Suspended != reason);
        }
        else if (before.Suspended is not null)
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

    /// <summary>An operator has to do something about it: the beginning is an event, that it goes on is logged.</summary>
    private void Suspended(string provider, Suspension reason, DateTimeOffset until, bool isNew)
    {
        if (!isNew)
        {
            _logger.ProviderStillSuspended(provider, reason.Word(), until);
            return;
        }

        _logger.ProviderSuspended(provider, reason.Word(), until);
        _metrics.ProviderSuspended(provider, reason.Word());
        _events.Record(new(RateLimitSource.ChatHttp, SuspensionBucket, $"{SuspensionBucket}:{provider}", RateLimitOutcome.Blocked, reason.Word()) { RetryAfter = until - _time.GetUtcNow() });
    }
}
