namespace Sendcat.Reliability.Redis;

/// <summary>The id of this process among the replicas. Each start of the process gets a new id.</summary>
public sealed record ReplicaId(Guid Value)
{
    public static ReplicaId New() => new(Guid.NewGuid());

    public override string ToString() => Value.ToString("D");
}
