using Microsoft.Extensions.Logging;
using Npgsql;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Tables;
using Sendcat.Reliability.Tracing;
using StackExchange.Redis;

namespace Sendcat.Reliability.KnobChanges;

/// <summary>
/// Keeps the overrides of this process. One that ends by itself ends in each process by the process's own time, also while Postgres is
/// unavailable; the first process that reads its row afterwards removes it and writes the audit row.
/// </summary>
internal sealed class KnobOverrideWatch(
    KnobOverrides overrides, NpgsqlDataSource database, IConnectionMultiplexer redis, TimeProvider time, StoreOutages outages,
    ILogger<KnobOverrideWatch> logger)
    : TableWatch("Reading of knob overrides", RedisKeys.KnobsChanged, redis, time, outages, logger)
{
    private const string Read = """
        -- read knob overrides
        SELECT name, value, actor, updated_at, until, then_value FROM reliability.knob_overrides
        """;

    // Each end is written once: who comes second finds the row gone or without an end. The end has the time at which it took effect.
    private const string End = """
        -- end knob overrides
        WITH ended AS (
               SELECT name, value, actor, until, then_value FROM reliability.knob_overrides WHERE until <= $1 ORDER BY name FOR UPDATE),
             gone AS (DELETE FROM reliability.knob_overrides k USING ended e WHERE k.name = e.name AND e.then_value IS NULL),
             back AS (
               UPDATE reliability.knob_overrides k SET value = e.then_value, updated_at = e.until, until = NULL, then_value = NULL
               FROM ended e WHERE k.name = e.name AND e.then_value IS NOT NULL)
        INSERT INTO reliability.operator_audit (actor, action, target, before, after, created_at, reason)
        SELECT actor, 'knob.end', name, value, then_value, until, 'its time was over' FROM ended RETURNING target
        """;

    private volatile IReadOnlyList<KnobOverride> _rows = [];

    /// <summary>After a change of the table by this process.</summary>
    public new Task ChangedAsync(CancellationToken cancellationToken) => base.ChangedAsync(cancellationToken);

    protected override async Task ReadAsync(CancellationToken cancellationToken)
    {
        var rows = new List<KnobOverride>();
        await using (var command = database.CreateCommand(Read))
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                rows.Add(await RowAsync(reader));
            }
        }

        _rows = rows;
        var now = Time.GetUtcNow();
        if (rows.Exists(row => row.Until <= now))
        {
            await EndAsync(now, cancellationToken);
        }
    }

    protected override DateTimeOffset? Apply()
    {
        var (rows, now) = (_rows, Time.GetUtcNow());
        IReadOnlyCollection<KnobOverride> inForce = [.. rows.Select(row => row.At(now)).OfType<KnobOverride>()];
        if (overrides.Replace(inForce))
        {
            Log.OverridesChanged(inForce.Count);
            BackgroundRound.Record("apply knob overrides", now, ("sendcat.knobs.count", inForce.Count));
        }

        return rows.Where(row => row.Until > now).Min(row => row.Until);
    }

    /// <summary>Reads a row of name, value, actor, time of the change, end, value after the end.</summary>
    internal static async Task<KnobOverride> RowAsync(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetString(1), row.GetString(2), await row.GetFieldValueAsync<DateTimeOffset>(3))
        {
            Until = await row.IsDBNullAsync(4) ? null : await row.GetFieldValueAsync<DateTimeOffset>(4),
            Then = await row.IsDBNullAsync(5) ? null : row.GetString(5),
        };

    private async Task EndAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(End);
        command.Parameters.Add(new() { Value = now });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            Log.OverrideEnded(reader.GetString(0));
        }
    }
}
