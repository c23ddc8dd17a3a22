using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
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

    private static readonly RedisScript Probing = RedisScript.Embedded("probe.lua");

    private readonly ConcurrentDictionary<string, Circuit> _circuits = new(StringComparer.Ordinal);
    private readonly CircuitSharing _sharing;
    private readonly RedisLine _redis;
    private readonly ReplicaId _replica;
    private readonly IOptionsMonitor<CircuitOptions> _options;
    private readonly TimeProvider _time;
    private readonly ReliabilityMetrics _metrics;
    private readonly ILogger<Circuits> _logger;

    internal Circuits(
        CircuitSharing sharing, RedisLine redis, ReplicaId replica, IOptionsMonitor<CircuitOptions> options, TimeProvider time, ReliabilityMetrics metrics, ILogger<Circuits> logger)
    {
        (_sharing, _redis, _replica, _options, _time, _metrics, _logger) = (sharing, redis, replica, options, time, metrics, logger);
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

        if (decided.Permit is null)
        {
            _metrics.CircuitRefused(provider);
        }

        return new(decided);
    }

    /// <summary>Every circuit as it is now; providers without a call yet are closed.</summary>
    public IReadOnlyList<CircuitReading> States() =>
        [.. Providers.Select(provider => Of(provider).Read()), .. _circuits.Values.Where(circuit => !Providers.Contains(circuit.Provider)).Select(circuit => circuit.Read())];

    internal IEnumerable<Circuit> All => Providers.Select(Of).Concat(_circuits.Values.Where(circuit => !Providers.Contains(circuit.Provider)));

    internal Circuit Of(string provider) =>
        _circuits.TryGetValue(provider, out var known) ? known : _circuits.GetOrAdd(provider, name => new(name, _options, _time, Changed));

    private async ValueTask<CircuitEntry> ProbeAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        var mine = await _redis.AskAsync(
            Probing,
            [RedisKeys.CircuitProbe(circuit.Provider)],
            [_replica.ToString(), circuit.State.Epoch, _options.CurrentValue.ProbeTimeoutMs],
            cancellationToken);
        var entry = mine is not null && (int)mine == 0 ? circuit.LeaveProbeToOthers() : circuit.Probe();
        if (entry.Permit is null)
        {
            _metrics.CircuitRefused(circuit.Provider);
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
        if (after.OpenUntil is { } until)
        {
            _logger.CircuitOpened(circuit.Provider, after.Failures.Length, until);
        }
        else
        {
            _logger.CircuitClosed(circuit.Provider);
        }
    }
}
