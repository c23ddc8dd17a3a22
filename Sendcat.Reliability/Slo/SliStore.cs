using System.Globalization;
using System.Text.Json;
using Npgsql;
using Sendcat.Reliability.Database;

namespace Sendcat.Reliability.Slo;

/// <summary>
/// The recorded minutes in Postgres. They are kept for the longest window of an alert, then folded into hours, which are kept for the
/// budget period. Sums over hours are exact; only the edge of the budget period is rounded to an hour.
/// </summary>
public sealed class SliStore(NpgsqlDataSource database)
{
    /// <summary>Key of the advisory lock: "slofolds" in ASCII.</summary>
    private const long LockKey = 0x736C6F666F6C6473;

    // A replica writes each of its minutes once. When the response to a write is lost, it writes the same values again.
    private const string Write = """
        -- write service level minutes
        INSERT INTO reliability.sli_minutes
            (minute, endpoint, replica, served, failed, shed, rejected, aborted, reasons, first_token, completion)
        SELECT minute, endpoint, $1, served, failed, shed, rejected, aborted, reasons::jsonb, first_token::integer[], completion::integer[]
        FROM unnest(
            $2::timestamptz[], $3::text[], $4::integer[], $5::integer[], $6::integer[], $7::integer[], $8::integer[], $9::text[],
            $10::text[], $11::text[]) AS m(minute, endpoint, served, failed, shed, rejected, aborted, reasons, first_token, completion)
        ON CONFLICT (minute, endpoint, replica) DO UPDATE SET
            served = excluded.served, failed = excluded.failed, shed = excluded.shed, rejected = excluded.rejected,
            aborted = excluded.aborted, reasons = excluded.reasons, first_token = excluded.first_token, completion = excluded.completion
        """;

    // The oldest hour in one statement, so that each minute is in exactly one of the tables. Minutes that arrive later make another row of
    // their hour.
    private static readonly string Fold = $"""
        -- fold service level minutes
        WITH moved AS (
            DELETE FROM reliability.sli_minutes
            WHERE (SELECT pg_try_advisory_xact_lock($1))
                AND minute < least($2, (SELECT date_trunc('hour', min(minute), 'UTC') FROM reliability.sli_minutes) + INTERVAL '1 hour')
            RETURNING *
        ), folded AS (
            INSERT INTO reliability.sli_hours (hour, endpoint, minutes, served, failed, shed, rejected, aborted, first_token, completion)
            SELECT date_trunc('hour', minute, 'UTC'), endpoint, count(DISTINCT minute),
                sum(served), sum(failed), sum(shed), sum(rejected), sum(aborted), {Sum("first_token")}, {Sum("completion")}
            FROM moved GROUP BY 1, 2
        ), gone AS (
            DELETE FROM reliability.sli_hours WHERE hour < $3
        )
        SELECT count(*) FROM moved
        """;

    private static readonly string Windows = $"""
        -- sum service level windows
        SELECT endpoint, width_bucket(minute, $2), count(DISTINCT minute), max(minute),
            sum(served), sum(failed), sum(shed), sum(rejected), sum(aborted), {Sum("first_token")}, {Sum("completion")}
        FROM reliability.sli_minutes WHERE minute >= $3 AND minute < $1 GROUP BY 1, 2
        UNION ALL
        SELECT endpoint, width_bucket(hour, $2), sum(minutes), max(hour),
            sum(served)::bigint, sum(failed)::bigint, sum(shed)::bigint, sum(rejected)::bigint, sum(aborted)::bigint,
            {Sum("first_token")}, {Sum("completion")}
        FROM reliability.sli_hours WHERE hour >= $3 AND hour < $1 GROUP BY 1, 2
        """;

    private static readonly string Points = $"""
        -- read service level minutes
        SELECT endpoint, minute, count(*), sum(served), sum(failed), sum(shed), sum(rejected), sum(aborted),
            {Sum("first_token")}, {Sum("completion")}
        FROM reliability.sli_minutes WHERE minute >= $1 AND minute < $2 GROUP BY minute, endpoint ORDER BY minute
        """;

    private const string Reasons = """
        -- count service level reasons
        SELECT endpoint, key, sum(value::bigint)::bigint FROM reliability.sli_minutes, jsonb_each_text(reasons)
        WHERE minute >= $1 AND minute < $2 AND reasons IS NOT NULL GROUP BY endpoint, key
        """;

    // The reasons are of failed, shed and rejected requests; those of rejected ones cannot be distinguished, and are few.
    private static readonly string Others = $"""
        -- read last minute of other replicas
        WITH others AS (
            SELECT * FROM reliability.sli_minutes WHERE minute = $2 AND endpoint = $1 AND NOT replica = ANY($3)
        )
        SELECT coalesce(sum(served), 0)::bigint, coalesce(sum(failed), 0)::bigint, coalesce(sum(shed), 0)::bigint,
            coalesce(sum(rejected), 0)::bigint, coalesce(sum(aborted), 0)::bigint, {Sum("first_token")}, {Sum("completion")},
            (SELECT jsonb_object_agg(key, value)::text FROM (
                SELECT key, sum(value::bigint) AS value FROM others, jsonb_each_text(reasons) WHERE failed + shed > 0 GROUP BY key) AS r)
        FROM others
        """;

    /// <summary>Writes minutes of one replica. Writing them again changes nothing.</summary>
    public async Task WriteAsync(Guid replica, IReadOnlyList<SliMinute> minutes, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Write);
        command.Parameters.Add(new() { Value = replica });
        Add(minute => minute.Minute);
        Add(minute => minute.Endpoint);
        foreach (var outcome in SliOutcomes.All)
        {
            Add(minute => checked((int)minute.Counts[outcome]));
        }

        Add(minute => minute.Reasons.Count == 0
            ? null
            : JsonSerializer.Serialize(minute.Reasons, SliJson.Default.IReadOnlyDictionaryStringInt64));
        Add(minute => Text(minute.Counts.FirstToken));
        Add(minute => Text(minute.Counts.Completion));
        await command.ExecuteNonQueryAsync(cancellationToken);

        void Add<T>(Func<SliMinute, T> column) =>
            command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = [.. minutes.Select(column)] });
    }

    /// <summary>
    /// Folds the oldest hour of minutes, and deletes the oldest hours. Does nothing while another replica does it.
    /// </summary>
    /// <param name="minutesBefore">Younger minutes stay.</param>
    /// <param name="hoursBefore">Older hours are deleted.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    /// <returns>Rows that were folded; 0: there are none, or another replica folds.</returns>
    public async Task<long> FoldAsync(DateTimeOffset minutesBefore, DateTimeOffset hoursBefore, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Fold);
        command.Parameters.Add(new() { Value = LockKey });
        command.Parameters.Add(new() { Value = minutesBefore });
        command.Parameters.Add(new() { Value = hoursBefore });
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Sums the windows that end at a whole minute.</summary>
    /// <param name="lengths">In minutes, ascending.</param>
    public async Task<SliWindows> WindowsAsync(DateTimeOffset end, IReadOnlyList<int> lengths, CancellationToken cancellationToken)
    {
        var windows = new SliWindows(end, lengths);
        await using var command = database.CreateCommand(Windows);
        // The start of each window, ascending. The number of starts up to a minute gives its ring.
        DateTimeOffset[] starts = [.. lengths.Reverse().Select(length => end.AddMinutes(-length))];
        command.Parameters.Add(new() { Value = end });
        command.Parameters.Add(new() { Value = starts });
        command.Parameters.Add(new() { Value = starts[0] });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            windows.AddRing(
                reader.GetString(0), lengths.Count - reader.GetInt32(1), reader.GetInt64(2),
                await CountsAsync(reader, 4, cancellationToken), await reader.GetFieldValueAsync<DateTimeOffset>(3, cancellationToken));
        }

        return windows;
    }

    /// <summary>
    /// Reads the recorded minutes of a period, each once for all replicas, the oldest first. A minute that is not there is a gap.
    /// </summary>
    /// <param name="from">The start of the first minute. Minutes that are folded into hours are not read.</param>
    /// <param name="end">The end of the last one.</param>
    public async Task<IReadOnlyList<SliPoint>> PointsAsync(DateTimeOffset from, DateTimeOffset end, CancellationToken cancellationToken)
    {
        var points = new List<SliPoint>();
        await using var command = database.CreateCommand(Points);
        command.Parameters.Add(new() { Value = from });
        command.Parameters.Add(new() { Value = end });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            points.Add(new(
                reader.GetString(0), await reader.GetFieldValueAsync<DateTimeOffset>(1, cancellationToken), (int)reader.GetInt64(2),
                await CountsAsync(reader, 3, cancellationToken)));
        }

        return points;
    }

    /// <summary>Counts why requests of a period were not served.</summary>
    /// <returns>The numbers of requests by endpoint and reason; an endpoint without any is not there.</returns>
    public async Task<IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>>> ReasonsAsync(
        DateTimeOffset from, DateTimeOffset end, CancellationToken cancellationToken)
    {
        var reasons = new List<(string Endpoint, string Reason, long Count)>();
        await using var command = database.CreateCommand(Reasons);
        command.Parameters.Add(new() { Value = from });
        command.Parameters.Add(new() { Value = end });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            reasons.Add((reader.GetString(0), reader.GetString(1), reader.GetInt64(2)));
        }

        return reasons.GroupBy(reason => reason.Endpoint, StringComparer.Ordinal).ToDictionary(
            endpoint => endpoint.Key,
            IReadOnlyDictionary<string, long> (endpoint) => endpoint.ToDictionary(
                reason => reason.Reason, reason => reason.Count, StringComparer.Ordinal),
            StringComparer.Ordinal);
    }

    /// <summary>What replicas recorded of an endpoint in one minute.</summary>
    /// <param name="except">The replicas whose minutes are left out.</param>
    /// <returns>
    /// <see cref="RecentCounts.Bad"/> is the least number that the columns prove: of turns that failed and turns that were late, the same
    /// ones may be both.
    /// </returns>
    public async Task<RecentCounts> OthersAsync(
        string endpoint, DateTimeOffset minute, IReadOnlyCollection<Guid> except, VerdictPolicy policy, TimeSpan timeout, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var connection = await BoundedConnection.OpenAsync(database, timeout, time, cancellationToken);
        await using var command = connection.CreateCommand(Others);
        command.Parameters.Add(new() { Value = endpoint });
        command.Parameters.Add(new() { Value = minute });
        command.Parameters.Add(new() { Value = except.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        await reader.ReadAsync(CancellationToken.None);
        var counts = await CountsAsync(reader, 0, CancellationToken.None);
        var late = counts.FirstToken[^1] - LatencyBuckets.Within(counts.FirstToken, policy.FirstTokenMs);
        var reasons = await reader.IsDBNullAsync(7, CancellationToken.None)
            ? [] : JsonSerializer.Deserialize(reader.GetString(7), SliJson.Default.DictionaryStringInt64)!;
        if (late > counts.Failed)
        {
            reasons[RecentCounts.LateFirstToken] = late - counts.Failed;
        }

        return new(
            counts.Answered, counts.Failed, counts.Shed, late, Partial: 0,
            Math.Min(counts.Answered, Math.Max(counts.Failed, late) + counts.Shed), reasons);
    }

    /// <summary>Reads the outcomes and the two histograms, which are consecutive columns.</summary>
    private static async Task<SliCounts> CountsAsync(NpgsqlDataReader reader, int column, CancellationToken cancellationToken)
    {
        var counts = new SliCounts();
        foreach (var outcome in SliOutcomes.All)
        {
            counts.Add(outcome, reader.GetInt64(column + (int)outcome));
        }

        await AddAsync(column + SliOutcomes.All.Count, counts.AddFirstToken);
        await AddAsync(column + SliOutcomes.All.Count + 1, counts.AddCompletion);
        return counts;

        async Task AddAsync(int histograms, Action<int, long> add)
        {
            if (!await reader.IsDBNullAsync(histograms, cancellationToken))
            {
                var histogram = await reader.GetFieldValueAsync<long[]>(histograms, cancellationToken);
                for (var bucket = 0; bucket < histogram.Length; bucket++)
                {
                    add(bucket, histogram[bucket]);
                }
            }
        }
    }

    /// <summary>The sum of a column of histograms, bucket by bucket; null if every row is null.</summary>
    private static string Sum(string column)
    {
        var sums = Enumerable.Range(1, LatencyBuckets.Length).Select(bucket => $"sum({column}[{bucket}])::bigint");
        return $"CASE WHEN count({column}) > 0 THEN ARRAY[{string.Join(", ", sums)}] END";
    }

    private static string? Text(ReadOnlySpan<long> histogram) => histogram[^1] == 0
        ? null
        : $"{{{string.Join(',', histogram.ToArray().Select(count => count.ToString(CultureInfo.InvariantCulture)))}}}";
}
