using Npgsql;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>
/// Postgres advisory locks, held until the end of the transaction. They make a count and the write that depends on it atomic.
/// </summary>
internal static class Locks
{
    /// <summary>Protects the depth of a lane. The key is <see cref="ToolLane.Number"/>.</summary>
    public const int Entering = 0x746A_6501;

    /// <summary>Protects the number of running jobs of a class. The key is <see cref="QosClass.Number"/>.</summary>
    public const int Claiming = 0x746A_6502;

    public static NpgsqlBatchCommand Of(int kind, IEnumerable<ToolLane> lanes) => Of(kind, lanes.Select(lane => lane.Number));

    public static NpgsqlBatchCommand Of(int kind, QosClass qos) => Of(kind, [qos.Number]);

    /// <summary>Takes the locks in ascending order, which prevents a deadlock.</summary>
    private static NpgsqlBatchCommand Of(int kind, IEnumerable<int> numbers) =>
        new(
            """
            -- lock lanes
            SELECT pg_advisory_xact_lock($1, number) FROM unnest($2) number
            """)
        {
            Parameters = { new() { Value = kind }, new() { Value = numbers.Order().ToArray() } },
        };
}
