namespace Sendcat.Reliability.Redis;

/// <summary>This process among its replicas: new with every start.</summary>
public sealed record ReplicaId(string Value)
{
    public static ReplicaId New() => new(Guid.NewGuid().ToString("N"));

    public override string ToString() => Value;
}
