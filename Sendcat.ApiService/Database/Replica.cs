namespace Sendcat.ApiService.Database;

/// <summary>One running process of the API. A heart that stopped marks the turns that it took along.</summary>
internal sealed class Replica
{
    public required Guid Id { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset LastHeartbeat { get; set; }
}
