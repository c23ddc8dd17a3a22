using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Sendcat.ServiceDefaults.Health;

/// <summary>Event ids 5200–5299.</summary>
internal static partial class HealthLog
{
    [LoggerMessage(5200, LogLevel.Debug, "Health check {Check} is {Status}: {Error}")]
    public static partial void CheckFailed(this ILogger logger, string check, HealthStatus status, string? error);

    [LoggerMessage(5201, LogLevel.Debug, "Health check {Check} is healthy again")]
    public static partial void CheckHealthy(this ILogger logger, string check);
}
