namespace Sendcat.ApiService.Chat.Engine;

/// <summary>A turn that runs, on any replica.</summary>
/// <param name="Replica">The replica that runs it; null: this process.</param>
/// <param name="Asked">The user message that it answers; null if it is not known.</param>
internal sealed record RunningTurn(Guid StreamId, Guid? Replica, Guid? Asked);
