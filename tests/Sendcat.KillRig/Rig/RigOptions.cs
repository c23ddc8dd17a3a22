namespace Sendcat.KillRig.Rig;

/// <summary>The options of one run. They are part of the JSON report.</summary>
internal sealed record RigOptions
{
    /// <summary>
    /// How long faults are injected. Each kind of <see cref="Faults.FaultPlan.Essential"/> is injected at least once, even in a shorter
    /// run.
    /// </summary>
    public required TimeSpan Length { get; init; }

    /// <summary>The seed of the faults: their kinds, victims and durations. Which jobs run during a fault depends on the machine.</summary>
    public required int Seed { get; init; }

    /// <summary>
    /// Jobs per second that all submitters together request. The default is about half of what two cores can process between the faults. At
    /// a higher rate all slots are always in use, and a kill interrupts one job per slot.
    /// </summary>
    public int Rate { get; init; } = 100;

    public int Workers { get; init; } = 2;

    public int Submitters { get; init; } = 3;

    /// <summary>The API and the workers are the published programs, which are compiled ahead of time.</summary>
    public bool Published { get; init; }

    /// <summary>Replicas of the API. Each runs its own turns.</summary>
    public int Replicas { get; init; } = 2;

    /// <summary>Simulated users who chat with the API.</summary>
    public int People { get; init; } = 4;

    /// <summary>WhatsApp messages per second that are delivered to the replicas; 0: none.</summary>
    public double MessageRate { get; init; } = 5;

    /// <summary>Mails per second that arrive in a mailbox, each with a notification to the replicas; 0: none.</summary>
    public double MailRate { get; init; } = 1;

    /// <summary>The lease of a job: the minimum that <c>TOOL_JOB_LEASE_MS</c> allows.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The time between two poisonous jobs. The first one is submitted after a tenth of it, in every run.</summary>
    public TimeSpan PoisonEvery { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>A job of a dead worker must run again after its lease plus this time, at the latest.</summary>
    public TimeSpan RescueSlack { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The maximum time after the last fault until all jobs have ended.</summary>
    public TimeSpan DrainPatience { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>
    /// The maximum time after the last turn until no streaming message, stream session or lease is left. The other replicas detect a killed
    /// replica after at most 30 s.
    /// </summary>
    public TimeSpan TurnPatience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Further knobs of the replicas of the API.</summary>
    public IReadOnlyDictionary<string, string?> ReplicaKnobs { get; init; } = new Dictionary<string, string?>();

    /// <summary>The knobs of all processes of the rig that differ from the defaults.</summary>
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

        // Reading a message takes 0.3 s of a model's time here, and each message is answered by a job of its own.
        ["MESSAGE_LANE_RUNMAX"] = "8",
        ["MESSAGE_RETRY_BASE_MS"] = "500",

        // Flaky requests fail in this lane on purpose. The circuits of the other lanes have their default threshold.
        ["CIRCUIT_GLOBAL_SEARCH_THRESHOLD"] = "100",
    };
}
