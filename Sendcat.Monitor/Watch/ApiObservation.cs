using System.Text.Json;

namespace Sendcat.Monitor.Watch;

/// <summary>The result of one probe of one address.</summary>
/// <param name="State"><c>up</c>: healthy, and chats can be started; <c>degraded</c>: responds, but one of these is false; <c>down</c>: no
/// response.</param>
/// <param name="HealthStatus">HTTP status of <c>/health</c>; null without a response.</param>
/// <param name="ChatStatus">HTTP status of <c>/api/chat/health</c>.</param>
/// <param name="ChatOk">The field <c>ok</c> of <c>/api/chat/health</c>.</param>
/// <param name="Mode">The gateway mode in <c>/api/chat/health</c>.</param>
/// <param name="LatencyMs">Latency of <c>/health</c> in milliseconds; in the state <c>down</c>, the time until the probe failed.</param>
/// <param name="Problem">Description of the problem; null in the state <c>up</c>.</param>
/// <param name="Chat">The whole response of <c>/api/chat/health</c>; null when it was not JSON.</param>
internal sealed record ApiObservation(
    DateTimeOffset At, Uri Address, string State, int? HealthStatus, int? ChatStatus, bool? ChatOk, string? Mode, double LatencyMs,
    string? Problem, JsonElement? Chat)
{
    public const string Up = "up";
    public const string Degraded = "degraded";
    public const string Down = "down";
}
