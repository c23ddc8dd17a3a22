namespace Sendcat.KillRig.Rig;

/// <summary>One run of the rig.</summary>
internal sealed record RigOptions
{
    /// <summary>Faults go on for so long, and at least until each kind of <see cref="Faults.FaultPlan.Essential"/> was done once.</summary>
    public required TimeSpan Length { get; init; }

    /// <summary>Of the faults: which, on whom, for how long. What meets a fault is up to the machine.</summary>
    public required int Seed { get; init; }

    /// <summary>
    /// Jobs asked per second, all submitters together. About half of what two cores carry between the faults: beyond that every place is always taken, and a kill meets as many
    /// jobs as there are places.
    /// </summary>
    public int Rate { get; init; } = 100;

    public int Workers { get; init; } = 2;

    public int Submitters { get; init; } = 3;

    /// <summary>Of the API, each with turns of its own.</summary>
    public int Replicas { get; init; } = 2;

    /// <summary>People who chat with the API.</summary>
    public int People { get; init; } = 4;

    /// <summary>The shortest that <c>TOOL_JOB_LEASE_MS</c> allows.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time between two poisonous jobs; the first comes after a tenth of it, in every run.</summary>
    public TimeSpan PoisonEvery { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>A dead worker's job runs again after its lease and this at the latest.</summary>
    public TimeSpan RescueSlack { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>After the last fault, everything must be done by then.</summary>
    public TimeSpan DrainPatience { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>After the last turn, everything that turns left behind must be gone by then: a replica that was killed is found after 30 s at most.</summary>
    public TimeSpan TurnPatience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The knobs that the rig's processes run with, beside the defaults.</summary>
    public IReadOnlyDictionary<string, string?> Knobs => new Dictionary<string, string?>
    {
        ["FF_TOOL_QUEUE_ENFORCE"] = "true",
        ["TOOL_JOB_LEASE_MS"] = $"{Lease.TotalMilliseconds:0}",
        ["TOOL_JOB_QMAX_WEB"] = "2000",
        ["TOOL_JOB_QMAX_PROD"] = "1000",
        ["TOOL_JOB_QMAX_GLOB"] = "1000",
        ["TOOL_JOB_RUNMAX_WEB"] = "8",
        ["TOOL_JOB_RUNMAX_PROD"] = "4",
        ["TOOL_JOB_RUNMAX_GLOB"] = "3",
        ["TOOL_JOB_RUNMAX_QOS_REALTIME"] = "8",
        ["TOOL_JOB_RUNMAX_QOS_INTERACTIVE"] = "4",
        ["TOOL_JOB_RUNMAX_QOS_BATCH"] = "3",
        ["TOOL_JOB_MAX_PER_RUN"] = "20",
        ["BULKHEAD_TOOL_JOB_MAX"] = "16",
        ["BULKHEAD_SERPER_MAX_CONCURRENT"] = "64",
        ["BULKHEAD_EBAY_MAX_CONCURRENT"] = "64",
        ["BULKHEAD_GLOBAL_SEARCH_MAX_CONCURRENT"] = "64",

        // Flaky questions fail there on purpose; the circuits of the other lanes are as they are.
        ["CIRCUIT_GLOBAL_SEARCH_THRESHOLD"] = "100",
    };
}
