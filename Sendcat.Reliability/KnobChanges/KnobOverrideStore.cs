using Microsoft.Extensions.Logging;
using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.Reliability.KnobChanges;

/// <summary>
/// Changes a knob on all replicas at run time. The value is stored in Postgres, the same statement writes the audit row, and a signal over
/// Redis notifies the replicas.
/// </summary>
public sealed class KnobOverrideStore
{
    // One statement, so that the value and its audit row are written together or not at all.
    private const string Set = """
        -- set knob
        WITH before AS (SELECT value FROM reliability.knob_overrides WHERE name = $1 FOR UPDATE),
             changed AS (
               INSERT INTO reliability.knob_overrides (name, value, actor, updated_at) VALUES ($1, $2, $3, $4)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value, actor = excluded.actor, updated_at = excluded.updated_at)
        INSERT INTO reliability.operator_audit (actor, action, target, before, after, created_at, reason)
        VALUES ($3, 'knob.set', $1, (SELECT value FROM before), $2, $4, $5) RETURNING before
        """;

    private const string SetSeveral = """
        -- set several knobs
        WITH asked AS (SELECT * FROM unnest($1::text[], $2::text[]) AS a(name, value)),
             before AS (SELECT k.name, k.value FROM reliability.knob_overrides k WHERE k.name = ANY($1) FOR UPDATE),
             changed AS (
               INSERT INTO reliability.knob_overrides (name, value, actor, updated_at) SELECT name, value, $3, $4 FROM asked
               ON CONFLICT (name) DO UPDATE SET value = excluded.value, actor = excluded.actor, updated_at = excluded.updated_at)
        INSERT INTO reliability.operator_audit (actor, action, target, before, after, created_at, reason)
        SELECT $3, 'knob.set', a.name, b.value, a.value, $4, $5 FROM asked a LEFT JOIN before b USING (name) RETURNING target, before
        """;

    private const string Clear = """
        -- clear knob
        WITH cleared AS (DELETE FROM reliability.knob_overrides WHERE name = $1 RETURNING value)
        INSERT INTO reliability.operator_audit (actor, action, target, before, after, created_at, reason)
        VALUES ($3, 'knob.clear', $1, (SELECT value FROM cleared), $2, $4, $5) RETURNING before
        """;

    private readonly KnobRegistry _knobs;
    private readonly KnobOverrideWatch _watch;
    private readonly RequestDatabase _database;
    private readonly IConnectionMultiplexer _redis;
    private readonly TimeProvider _time;
    private readonly StoreOutages _outages;
    private readonly ILogger<KnobOverrideStore> _logger;

    internal KnobOverrideStore(
        KnobRegistry knobs,
        KnobOverrideWatch watch,
        RequestDatabase database,
        IConnectionMultiplexer redis,
        TimeProvider time,
        StoreOutages outages,
        ILogger<KnobOverrideStore> logger)
    {
        (_knobs, _watch, _database, _redis, _time, _outages, _logger) = (knobs, watch, database, redis, time, outages, logger);
    }

    /// <summary>
    /// Sets an override of a knob. This replica uses the new value when the call returns; the others use it within five seconds.
    /// </summary>
    /// <param name="name">The environment variable of the knob.</param>
    /// <param name="value">The value; null removes the override, so that the configuration applies again.</param>
    /// <param name="by">The operator and the reason, for the audit log.</param>
    /// <param name="cancellationToken">Cancels the change.</param>
    /// <returns>The change, or why it was refused: unknown name, secret, start-up only, value not allowed.</returns>
    /// <exception cref="NpgsqlException">Postgres is unavailable.</exception>
    public async Task<KnobChange> SetAsync(string name, string? value, AuditedBy by, CancellationToken cancellationToken = default)
    {
        if (_knobs.Find(name) is not { } knob)
        {
            return KnobChange.Refused("no such knob");
        }

        if (knob.Secret)
        {
            return KnobChange.Refused("a secret is not set at run time");
        }

        if (value is not null && knob.StartUpOnly)
        {
            return KnobChange.Refused("it names where secrets or links are sent, so it is read at start alone; set it in the configuration");
        }

        if (value is not null && !knob.TryParse(value, out _, out var reason))
        {
            return KnobChange.Refused(reason);
        }

        await using var connection = await _database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(value is null ? Clear : Set);
        command.Parameters.Add(new() { Value = name });
        command.Parameters.Add(new() { Value = value ?? (object)DBNull.Value });
        command.Parameters.Add(new() { Value = by.Actor });
        command.Parameters.Add(new() { Value = _time.GetUtcNow() });
        command.Parameters.Add(by.ReasonParameter());
        var before = await command.ExecuteScalarAsync(CancellationToken.None) as string;

        _logger.KnobSet(name, value ?? "(cleared)", by.Actor);
        await _watch.RefreshAsync(cancellationToken);
        await SignalAsync();
        return new(true, null, before, _knobs.Read(knob).Value);
    }

    /// <summary>Sets several knobs in one step: all of them, or none.</summary>
    /// <returns>The changes in the order of the settings, or the first setting that was refused, and why.</returns>
    /// <inheritdoc cref="SetAsync"/>
    public async Task<KnobsChange> SetAllAsync(
        IReadOnlyList<(string Name, string Value)> settings, AuditedBy by, CancellationToken cancellationToken = default)
    {
        foreach (var (name, value) in settings)
        {
            var reason = _knobs.Find(name) is not { } knob ? "no such knob"
                : knob.Secret || knob.StartUpOnly ? "it is read at start alone"
                : knob.TryParse(value, out _, out var why) ? null : why;
            if (reason is not null)
            {
                return new([], (name, reason));
            }
        }

        var before = new Dictionary<string, string?>(StringComparer.Ordinal);
        await using (var connection = await _database.OpenAsync(cancellationToken))
        {
            await using var command = connection.CreateCommand(SetSeveral);
            command.Parameters.Add(new() { Value = settings.Select(setting => setting.Name).ToArray() });
            command.Parameters.Add(new() { Value = settings.Select(setting => setting.Value).ToArray() });
            command.Parameters.Add(new() { Value = by.Actor });
            command.Parameters.Add(new() { Value = _time.GetUtcNow() });
            command.Parameters.Add(by.ReasonParameter());
            await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
            while (await reader.ReadAsync(CancellationToken.None))
            {
                before[reader.GetString(0)] = await reader.IsDBNullAsync(1, CancellationToken.None) ? null : reader.GetString(1);
            }
        }

        foreach (var (name, value) in settings)
        {
            _logger.KnobSet(name, value, by.Actor);
        }

        await _watch.RefreshAsync(cancellationToken);
        await SignalAsync();
        return new(
            [.. settings.Select(setting =>
            (setting.Name, before.GetValueOrDefault(setting.Name), (string?)_knobs.Read(_knobs.Find(setting.Name)!).Value))], null);
    }

    /// <summary>
    /// Notifies the other replicas. The signal is optional: a replica that misses it reads the table within a few seconds.
    /// </summary>
    private async Task SignalAsync()
    {
        try
        {
            using var span = RedisSpan.Start("signal knob change", "PUBLISH");
            await _redis.GetSubscriber().PublishAsync(RedisKeys.KnobsChanged, RedisValue.EmptyString, CommandFlags.FireAndForget);
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            if (!_outages.Redis.Records("Signals of knob changes", exception))
            {
                _logger.KnobSignalLost(exception);
            }
        }
    }
}

/// <summary>The result of a change of a knob.</summary>
/// <param name="Accepted">Whether the knob was changed.</param>
/// <param name="Reason">Why it was not changed; null when it was.</param>
/// <param name="Before">The previous override; null without one.</param>
/// <param name="Now">The present value of the knob; null when it was not changed.</param>
public sealed record KnobChange(bool Accepted, string? Reason, string? Before, string? Now)
{
    internal static KnobChange Refused(string reason) => new(false, reason, null, null);
}

/// <summary>The result of a change of several knobs.</summary>
/// <param name="Changes">Name, previous override (null without one) and present value.</param>
/// <param name="Refused">The setting that was refused, and then none was changed; null: all were.</param>
public sealed record KnobsChange(IReadOnlyList<(string Name, string? Before, string? Now)> Changes, (string Name, string Reason)? Refused);
