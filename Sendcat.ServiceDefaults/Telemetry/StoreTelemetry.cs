using Microsoft.Extensions.Configuration;

namespace Sendcat.ServiceDefaults.Telemetry;

/// <summary>
/// Turns off tracing and metrics of Aspire's client integrations. An integration reads its settings when it is added, so this must run
/// before.
/// </summary>
internal static class StoreTelemetry
{
    private const string RedisTracing = "Aspire:StackExchange:Redis:DisableTracing";

    private static readonly string[] All =
    [
        RedisTracing,
        "Aspire:Npgsql:DisableTracing",
        "Aspire:Npgsql:DisableMetrics",
        "Aspire:Npgsql:EntityFrameworkCore:PostgreSQL:DisableTracing",
        "Aspire:Npgsql:EntityFrameworkCore:PostgreSQL:DisableMetrics",
        "Aspire:RabbitMQ:Client:DisableTracing",
    ];

    /// <summary>
    /// Turns off all of them. Without an exporter the integrations would still create spans for every statement, which nothing reads.
    /// </summary>
    public static void TurnOff(IConfiguration configuration) => Disable(configuration, All);

    /// <summary>
    /// Turns off the Redis spans of the integration, because Sendcat creates its own. The integration names them all EVALSHA and reports
    /// them up to ten seconds after their parent has ended.
    /// </summary>
    public static void UseOwnRedisSpans(IConfiguration configuration) => Disable(configuration, [RedisTracing]);

    private static void Disable(IConfiguration configuration, IEnumerable<string> switches)
    {
        foreach (var name in switches)
        {
            configuration[name] = bool.TrueString;
        }
    }
}
