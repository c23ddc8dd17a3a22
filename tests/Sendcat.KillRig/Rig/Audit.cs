using Npgsql;
using Sendcat.Integrations.Tools;
using Sendcat.KillRig.Verdict;

namespace Sendcat.KillRig.Rig;

/// <summary>
/// Records job events in Postgres with a trigger. Each lease and each end of a job is written in the transaction that makes the change, so
/// the audit contains exactly the committed changes.
/// </summary>
internal static class Audit
{
    public static Task InstallAsync(NpgsqlDataSource database, CancellationToken cancellationToken) => ExecuteAsync(
        database,
        """
        CREATE SCHEMA rig;
        CREATE TABLE rig.claims (job uuid, tool text, token bigint, owner text, at timestamptz);
        CREATE TABLE rig.requeues (job uuid, tool text, token bigint, due timestamptz, at timestamptz);
        CREATE TABLE rig.ends (job uuid, token bigint, owner text, was text, status text, execution text, at timestamptz);
        CREATE FUNCTION rig.watch() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.status = 'running' THEN
                INSERT INTO rig.claims VALUES (NEW.id, NEW.tool, NEW.token, NEW.lease_owner, clock_timestamp());
            ELSIF NEW.status <> 'queued' OR OLD.status NOT IN ('queued', 'running') THEN
                INSERT INTO rig.ends VALUES (NEW.id, NEW.token, NEW.lease_owner, OLD.status, NEW.status,
                  substring(NEW.result from 'exec:([0-9]+)'), clock_timestamp());
            ELSE
                INSERT INTO rig.requeues VALUES (NEW.id, NEW.tool, NEW.token, NEW.available_at, clock_timestamp());
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER rig_watch AFTER UPDATE ON reliability.tool_jobs FOR EACH ROW
            WHEN (NEW.status IS DISTINCT FROM OLD.status OR NEW.token <> OLD.token OR NEW.result IS DISTINCT FROM OLD.result)
            EXECUTE FUNCTION rig.watch();
        """,
        cancellationToken);

    /// <summary>The number of jobs that wait or run, and of messages that are not published yet.</summary>
    public static async Task<(long Jobs, long Messages)> RemainingAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            "SELECT (SELECT count(*) FROM reliability.tool_jobs WHERE status IN ('queued', 'running')), "
                + "(SELECT count(*) FROM reliability.tool_outbox)");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    /// <summary>The jobs of tools. Those of messages are in <see cref="Delivering.MessageEffects"/>.</summary>
    public static Task<List<JobRow>> JobsAsync(NpgsqlDataSource database, CancellationToken cancellationToken) => ReadAsync(
        database,
        "SELECT id, tool, status, attempts, substring(args from 'rig-[0-9]+-[0-9]+-[0-9]+-[a-z]'), dead_letter_reason, last_error, "
            + "history::text, cache_namespace || ' ' || cache_key FROM reliability.tool_jobs WHERE tool = ANY($1)",
        reader => new JobRow(
            reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetInt32(3), reader.GetString(4), Text(reader, 5),
            Text(reader, 6), reader.GetString(7), Text(reader, 8)),
        cancellationToken,
        new NpgsqlParameter<string[]> { TypedValue = [.. QueuedTool.All.Select(tool => tool.Lane.Tool)] });

    public static Task<List<JobLeaseRow>> JobLeasesAsync(NpgsqlDataSource database, CancellationToken cancellationToken) => ReadAsync(
        database,
        "SELECT job, tool, token, split_part(owner, ':', 2)::int, at FROM rig.claims ORDER BY at",
        reader => new JobLeaseRow(
            reader.GetGuid(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt32(3), reader.GetFieldValue<DateTimeOffset>(4)),
        cancellationToken);

    public static Task<List<RequeueRow>> RequeuesAsync(NpgsqlDataSource database, CancellationToken cancellationToken) => ReadAsync(
        database,
        "SELECT job, token, due, at FROM rig.requeues ORDER BY at",
        reader => new RequeueRow(
            reader.GetGuid(0), reader.GetInt64(1), reader.GetFieldValue<DateTimeOffset>(2), reader.GetFieldValue<DateTimeOffset>(3)),
        cancellationToken);

    public static Task<List<EndRow>> EndsAsync(NpgsqlDataSource database, CancellationToken cancellationToken) => ReadAsync(
        database,
        "SELECT job, token, was, status, coalesce(execution, ''), at, coalesce(split_part(owner, ':', 2), '0')::int "
            + "FROM rig.ends ORDER BY at",
        reader => new EndRow(
            reader.GetGuid(0), reader.GetInt64(1), reader.GetString(2), reader.GetString(3), reader.GetString(4),
            reader.GetFieldValue<DateTimeOffset>(5), reader.GetInt32(6)),
        cancellationToken);

    /// <summary>Writes the recorded events to files of tab-separated lines, one file for each table.</summary>
    public static async Task SaveAsync(NpgsqlDataSource database, string folder, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        foreach (var table in (string[])["claims", "requeues", "ends"])
        {
            await using var rows = await connection.BeginTextExportAsync($"COPY rig.{table} TO STDOUT (HEADER)", cancellationToken);
            await File.WriteAllTextAsync(
                Path.Combine(folder, $"audit-{table}.tsv"), await rows.ReadToEndAsync(cancellationToken), cancellationToken);
        }
    }

    private static string Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? "" : reader.GetString(column);

    private static async Task<List<T>> ReadAsync<T>(
        NpgsqlDataSource database, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken,
        params NpgsqlParameter[] parameters)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
