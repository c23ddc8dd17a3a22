using Aspire.Hosting.ApplicationModel;

namespace Sendcat.LocalRunner.Running;

internal enum InstanceState
{
    /// <summary>Waits for an explicit start, which this runner has no way to give.</summary>
    NotStarted,

    /// <summary>Waits for what it depends on.</summary>
    Waiting,

    Starting,
    Running,

    /// <summary>Ended by itself, and waits before its next start.</summary>
    Restarting,

    /// <summary>An executable that ended with exit code 0.</summary>
    Finished,
    Stopped,
}

/// <summary>A row of the resource table: one process.</summary>
internal sealed record InstanceStatus(IResource Resource, string Name)
{
    public InstanceState State { get; init; }

    public bool Healthy { get; init; }

    public string? Url { get; init; }

    public int? Pid { get; init; }

    public int Restarts { get; init; }

    /// <summary>Why it is not healthy, or how it ended last.</summary>
    public string? Note { get; init; }

    public bool Settled => State is InstanceState.NotStarted or InstanceState.Finished || (State == InstanceState.Running && Healthy);
}
