using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sendcat.ServiceDefaults.Telemetry;

internal static class ConsoleLogs
{
    private const string UtcTimestamp = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>
    /// Categories that log every request or statement. Traces and metrics have that information, so these categories log warnings and
    /// errors only.
    /// </summary>
    private static readonly string[] VerboseCategories =
        ["Microsoft.AspNetCore", "Microsoft.EntityFrameworkCore", "Npgsql", "System.Net.Http"];

    /// <summary>
    /// The clients of stores that log each lost connection and each attempt to open one. Sendcat logs once that a store is unavailable.
    /// </summary>
    private static readonly string[] StoreClients = ["StackExchange.Redis", "RabbitMQ.Client"];

    /// <summary>Writes one line per entry: readable text in Development, JSON for log collectors in all other environments.</summary>
    public static void AddConsoleLogs(this IHostApplicationBuilder builder)
    {
        foreach (var category in VerboseCategories)
        {
            builder.Logging.AddFilter(category, LogLevel.Warning);
        }

        foreach (var category in StoreClients)
        {
            builder.Logging.AddFilter(category, LogLevel.Critical);
        }

        // Polly warns of each attempt that fails. The metrics count them, and what fails at last is in the history of its job or turn.
        builder.Logging.AddFilter("Polly", LogLevel.Error);

        // EF Core queries its history table and logs an error when the table does not exist yet. A real failure throws an exception.
        builder.Logging.AddFilter("Microsoft.EntityFrameworkCore.Database.Command", LogLevel.Critical);

        // The framework logs a failed check with every probe; Readiness logs the change.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        if (builder.Environment.IsDevelopment())
        {
            builder.Logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss.fff ";
            });
        }
        else
        {
            builder.Logging.AddJsonConsole(console =>
            {
                console.UseUtcTimestamp = true;
                console.TimestampFormat = UtcTimestamp;
                console.IncludeScopes = true;
            });
        }
    }
}
