namespace Sendcat.Reliability.Redis;

/// <summary>This process among its replicas: new with every start.</summary>
public sealed record ReplicaId(Guid Value)
{
    public static ReplicaId New() => new(Guid.NewGuid());

    public override string ToString() => Value.ToString("D");
}
