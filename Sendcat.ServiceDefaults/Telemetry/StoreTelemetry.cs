using Microsoft.Extensions.Configuration;

namespace Sendcat.ServiceDefaults.Telemetry;

/// <summary>Switches of what Aspire's client integrations trace and measure by themselves. They read them when they are added, so this comes first.</summary>
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

    /// <summary>Without an exporter the integrations would still listen: every statement would pay for spans that nobody sees.</summary>
    public static void TurnOff(IConfiguration configuration) => Disable(configuration, All);

    /// <summary>Redis has spans of our own: those of the integration are all called EVALSHA, and come up to ten seconds after their parent has ended.</summary>
    public static void UseOwnRedisSpans(IConfiguration configuration) => Disable(configuration, [RedisTracing]);

    private static void Disable(IConfiguration configuration, IEnumerable<string> switches)
    {
        foreach (var name in switches)
        {
            configuration[name] = bool.TrueString;
        }
    }
}
