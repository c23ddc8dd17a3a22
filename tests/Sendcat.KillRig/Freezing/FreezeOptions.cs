namespace Sendcat.KillRig.Freezing;

/// <summary>The options of a freeze run. They are part of the JSON report.</summary>
internal sealed record FreezeOptions
{
    /// <summary>Simulated users. Each has one request at a time.</summary>
    public int People { get; init; } = 64;

    /// <summary>Replicas of the API.</summary>
    public int Replicas { get; init; } = 2;

    public int Workers { get; init; } = 2;

    /// <summary>How long each store is suspended.</summary>
    public TimeSpan Frozen { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time from the first turns of cold processes to the calm before the first freeze.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Time before each freeze and after it, for comparison and for the recovery.</summary>
    public TimeSpan Calm { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A user's pause between two turns.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The maximum time after the end of a freeze until a request of every kind succeeds again.</summary>
    public TimeSpan MaxRecovery { get; init; } = TimeSpan.FromSeconds(10);
}
