namespace Sendcat.ApiService.Chat.Record;

/// <summary>One running process of the API. When its heartbeat stops, the turns that it ran are abandoned.</summary>
internal sealed class Replica
{
    public required Guid Id { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset LastHeartbeat { get; set; }
}
