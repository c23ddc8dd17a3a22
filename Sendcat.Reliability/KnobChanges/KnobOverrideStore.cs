using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.KnobChanges;

/// <summary>
/// Changes a knob on all replicas at run time. The value is stored in Postgres, the same statement writes the audit row, and a signal over
/// Redis notifies the replicas.
/// </summary>
public sealed class KnobOverrideStore
{
    // One statement, so that the values and their audit rows are written together or not at all. What ends by itself is followed by the
    // lasting value of before.
    private const string Set = """
        -- set knobs
        WITH asked AS (SELECT * FROM unnest($1::text[], $2::text[]) AS a(name, value)),
             stored AS (
               SELECT name, value, actor, updated_at, until, then_value FROM reliability.knob_overrides WHERE name = ANY($1)
               ORDER BY name FOR UPDATE),
             changed AS (
               INSERT INTO reliability.knob_overrides (name, value, actor, updated_at, until, then_value)
               SELECT a.name, a.value, $3, $4, $6, CASE WHEN $6::timestamptz IS NULL THEN NULL WHEN $7 THEN $8
                   WHEN s.until IS NULL THEN s.value ELSE s.then_value END
               FROM asked a LEFT JOIN stored s USING (name)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value, actor = excluded.actor, updated_at = excluded.updated_at,
                 until = excluded.until, then_value = excluded.then_value),
             audited AS (
               INSERT INTO reliability.operator_audit (actor, action, target, before, after, created_at, reason)
               SELECT $3, 'knob.set', a.name, CASE WHEN s.until <= $4 THEN s.then_value ELSE s.value END,
                 a.value || coalesce(' until ' || to_char($6::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"'), ''), $4, $5
               FROM asked a LEFT JOIN stored s USING (name))
        SELECT name, value, actor, updated_at, until, then_value FROM stored
        """;

    private const string Clear = """
        -- clear knobs
        WITH cleared AS (
               DELETE FROM reliability.knob_overrides WHERE name = ANY($1) RETURNING name, value, actor, updated_at, until, then_value),
             audited AS (
               INSERT INTO reliability.operator_audit (actor, action, target, before, after, created_at, reason)
               SELECT $2, 'knob.clear', a.name, CASE WHEN c.until <= $3 THEN c.then_value ELSE c.value END, NULL, $3, $4
               FROM unnest($1::text[]) AS a(name) LEFT JOIN cleared c USING (name))
        SELECT name, value, actor, updated_at, until, then_value FROM cleared
        """;

    private const string NoKnob = "no such knob";
    private const string IsSecret = "a secret is not set at run time";

    private readonly KnobRegistry _knobs;
    private readonly KnobOverrideWatch _watch;
    private readonly RequestDatabase _database;
    private readonly TimeProvider _time;
    private readonly ILogger<KnobOverrideStore> _logger;

    internal KnobOverrideStore(
        KnobRegistry knobs, KnobOverrideWatch watch, RequestDatabase database, TimeProvider time, ILogger<KnobOverrideStore> logger)
    {
        (_knobs, _watch, _database, _time, _logger) = (knobs, watch, database, time, logger);
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
    public Task<KnobChange> SetAsync(string name, string? value, AuditedBy by, CancellationToken cancellationToken = default) =>
        value is null ? ClearAsync(name, by, cancellationToken) : SetAsync(name, value, null, by, cancellationToken);

    /// <summary>Sets an override that ends by itself.</summary>
    /// <param name="term">Null: it lasts until it is cleared.</param>
    /// <inheritdoc cref="SetAsync(string, string?, AuditedBy, CancellationToken)"/>
    public async Task<KnobChange> SetAsync(
        string name, string value, KnobTerm? term, AuditedBy by, CancellationToken cancellationToken = default)
    {
        var refused = Refusal(name, value) ?? (term is null ? null : ThenRefusal(name, term));
        if (refused is not null)
        {
            return KnobChange.Refused(refused);
        }

        var before = await WriteAsync([(name, value)], term, by, cancellationToken);
        var now = _knobs.Read(_knobs.Find(name)!);
        return new(null, before.GetValueOrDefault(name), now.Value) { Until = now.Override?.Until, Then = now.Override?.Then };
    }

    /// <summary>Sets several knobs in one step: all of them, or none.</summary>
    /// <param name="term">Null: they last until they are cleared.</param>
    /// <returns>The changes in the order of the settings, or the first setting that was refused, and why.</returns>
    /// <inheritdoc cref="SetAsync(string, string?, AuditedBy, CancellationToken)"/>
    public async Task<KnobsChange> SetAllAsync(
        IReadOnlyList<(string Name, string Value)> settings, KnobTerm? term, AuditedBy by, CancellationToken cancellationToken = default)
    {
        foreach (var (name, value) in settings)
        {
            if ((Refusal(name, value) ?? (term is null ? null : ThenRefusal(name, term))) is { } reason)
            {
                return new([], (name, reason));
            }
        }

        var before = await WriteAsync(settings, term, by, cancellationToken);
        var now = settings.Select(setting => _knobs.Read(_knobs.Find(setting.Name)!)).ToList();
        return new(
            [.. now.Select(reading => (reading.Knob.Name, before.GetValueOrDefault(reading.Knob.Name)?.Value, (string?)reading.Value))],
            null)
        {
            Until = now.Select(reading => reading.Override?.Until).FirstOrDefault(),
        };
    }

    /// <summary>Removes the overrides of several knobs in one step, so that the configuration applies again.</summary>
    /// <param name="names">Knobs that are no secrets.</param>
    /// <returns>The changes in the order of the names; none is refused.</returns>
    /// <exception cref="NpgsqlException">Postgres is unavailable.</exception>
    public async Task<KnobsChange> ClearAllAsync(IReadOnlyList<string> names, AuditedBy by, CancellationToken cancellationToken = default)
    {
        var before = await DeleteAsync(names, by, cancellationToken);
        return new(
            [.. names.Select(name => (name, before.GetValueOrDefault(name)?.Value, (string?)_knobs.Read(_knobs.Find(name)!).Value))], null);
    }

    private async Task<KnobChange> ClearAsync(string name, AuditedBy by, CancellationToken cancellationToken)
    {
        if (_knobs.Find(name) is not { } knob)
        {
            return KnobChange.Refused(NoKnob);
        }

        // A start-up only knob may have a row of an earlier version, which is cleared as well.
        if (knob.Secret)
        {
            return KnobChange.Refused(IsSecret);
        }

        var before = await DeleteAsync([name], by, cancellationToken);
        return new(null, before.GetValueOrDefault(name), _knobs.Read(knob).Value);
    }

    private async Task<Dictionary<string, KnobOverride>> DeleteAsync(
        IReadOnlyList<string> names, AuditedBy by, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        Dictionary<string, KnobOverride> before;
        await using (var connection = await _database.OpenAsync(cancellationToken))
        {
            await using var command = connection.CreateCommand(Clear);
            command.Parameters.Add(new() { Value = names.ToArray() });
            command.Parameters.Add(new() { Value = by.Actor });
            command.Parameters.Add(new() { Value = now });
            command.Parameters.Add(by.ReasonParameter());
            before = await RowsAsync(command, now);
        }

        foreach (var name in names)
        {
            _logger.KnobSet(name, "(cleared)", by.Actor);
        }

        await _watch.ChangedAsync(cancellationToken);
        return before;
    }

    private async Task<Dictionary<string, KnobOverride>> WriteAsync(
        IReadOnlyList<(string Name, string Value)> settings, KnobTerm? term, AuditedBy by, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        Dictionary<string, KnobOverride> before;
        await using (var connection = await _database.OpenAsync(cancellationToken))
        {
            await using var command = connection.CreateCommand(Set);
            command.Parameters.Add(new() { Value = settings.Select(setting => setting.Name).ToArray() });
            command.Parameters.Add(new() { Value = settings.Select(setting => setting.Value).ToArray() });
            command.Parameters.Add(new() { Value = by.Actor });
            command.Parameters.Add(new() { Value = now });
            command.Parameters.Add(by.ReasonParameter());
            object until = term is null ? DBNull.Value : now + term.Duration;
            command.Parameters.Add(new() { Value = until, NpgsqlDbType = NpgsqlDbType.TimestampTz });
            command.Parameters.Add(new() { Value = term is { Then: not null } });
            command.Parameters.Add(new() { Value = term?.Then?.Value ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
            before = await RowsAsync(command, now);
        }

        foreach (var (name, value) in settings)
        {
            _logger.KnobSet(name, value, by.Actor);
        }

        await _watch.ChangedAsync(cancellationToken);
        return before;
    }

    private string? Refusal(string name, string value) =>
        _knobs.Find(name) is not { } knob ? NoKnob
        : knob.Secret ? IsSecret
        : knob.StartUpOnly ? "it is read at start alone; set it in the configuration"
        : knob.TryParse(value, out _, out var reason) ? null : reason;

    private string? ThenRefusal(string name, KnobTerm term) =>
        term.Duration < KnobTerm.Shortest || term.Duration > KnobTerm.Longest ? "the time must be 10 seconds to 30 days"
        : term.Then is { Value: { } then } && Refusal(name, then) is { } reason ? $"the value after the time is {reason}" : null;

    /// <summary>The overrides that were in force, by name.</summary>
    private static async Task<Dictionary<string, KnobOverride>> RowsAsync(NpgsqlCommand command, DateTimeOffset now)
    {
        var rows = new Dictionary<string, KnobOverride>(StringComparer.Ordinal);
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        while (await reader.ReadAsync(CancellationToken.None))
        {
            if ((await KnobOverrideWatch.RowAsync(reader)).At(now) is { } inForce)
            {
                rows[inForce.Name] = inForce;
            }
        }

        return rows;
    }
}

/// <summary>How long an override lasts.</summary>
/// <param name="Duration">10 seconds to 30 days.</param>
/// <param name="Then">
/// What applies afterwards; null: the lasting override of before, or without one the configuration.
/// </param>
public sealed record KnobTerm(TimeSpan Duration, KnobThen? Then)
{
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan Longest = TimeSpan.FromDays(30);
}

/// <param name="Value">An operators' value; null: the configuration.</param>
public sealed record KnobThen(string? Value);

/// <summary>The result of a change of a knob.</summary>
/// <param name="Reason">Why it was not changed; null when it was.</param>
/// <param name="Before">The previous override; null without one.</param>
/// <param name="Now">The present value of the knob; null when it was not changed.</param>
public sealed record KnobChange(string? Reason, KnobOverride? Before, string? Now)
{
    public bool Accepted => Reason is null;

    /// <summary>When the new override ends by itself; null: it does not.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The operators' value that applies afterwards; null: the configuration.</summary>
    public string? Then { get; init; }

    internal static KnobChange Refused(string reason) => new(reason, null, null);
}

/// <summary>The result of a change of several knobs.</summary>
/// <param name="Changes">Name, previous override (null without one) and present value.</param>
/// <param name="Refused">The setting that was refused, and then none was changed; null: all were.</param>
public sealed record KnobsChange(IReadOnlyList<(string Name, string? Before, string? Now)> Changes, (string Name, string Reason)? Refused)
{
    /// <summary>When the changes end by themselves; null: they do not.</summary>
    public DateTimeOffset? Until { get; init; }
}
