using System.Text.Json;

namespace Sendcat.Monitor.Watch;

/// <summary>One look at one address.</summary>
/// <param name="State"><c>up</c>: healthy, and chats can be started; <c>degraded</c>: answers, but not so; <c>down</c>: no answer.</param>
/// <param name="HealthStatus">HTTP status of <c>/health</c>; null when there was no answer.</param>
/// <param name="ChatStatus">HTTP status of <c>/api/chat/health</c>.</param>
/// <param name="ChatOk">Its <c>ok</c>.</param>
/// <param name="Mode">Its gateway mode.</param>
/// <param name="LatencyMs">Of <c>/health</c>.</param>
/// <param name="Problem">In words; null when all is well.</param>
/// <param name="Chat">The whole answer of <c>/api/chat/health</c>, as far as it was JSON.</param>
internal sealed record ApiObservation(
    DateTimeOffset At, Uri Address, string State, int? HealthStatus, int? ChatStatus, bool? ChatOk, string? Mode, double LatencyMs, string? Problem, JsonElement? Chat)
{
    public const string Up = "up";
    public const string Degraded = "degraded";
    public const string Down = "down";
}
