using Npgsql;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>Advisory locks, held to the end of the statement's transaction, under which counting and acting are one.</summary>
internal static class Locks
{
    /// <summary>Depth of a lane.</summary>
    public const int Entering = 0x746A_6501;

    /// <summary>Running jobs of a class.</summary>
    public const int Claiming = 0x746A_6502;

    public static NpgsqlBatchCommand Of(int kind, IEnumerable<ToolLane> lanes) => Of(kind, lanes.Select(lane => lane.Number));

    public static NpgsqlBatchCommand Of(int kind, QosClass qos) => Of(kind, [(int)qos]);

    /// <summary>In ascending order, so that nobody waits in a circle.</summary>
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
