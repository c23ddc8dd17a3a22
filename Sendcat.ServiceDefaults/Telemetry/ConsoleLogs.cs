using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sendcat.ServiceDefaults.Telemetry;

internal static class ConsoleLogs
{
    private const string UtcTimestamp = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>What frameworks say of every request and statement is in traces and metrics; their logs are for what went wrong.</summary>
    private static readonly string[] Talkative = ["Microsoft.AspNetCore", "Microsoft.EntityFrameworkCore", "Npgsql", "System.Net.Http", "Polly", "StackExchange.Redis"];

    /// <summary>One line per entry: for people in Development, JSON for collectors everywhere else.</summary>
    public static void AddConsoleLogs(this IHostApplicationBuilder builder)
    {
        foreach (var category in Talkative)
        {
            builder.Logging.AddFilter(category, LogLevel.Warning);
        }

        // EF looks for its history table and logs an error when there is none yet; what really fails is thrown.
        builder.Logging.AddFilter("Microsoft.EntityFrameworkCore.Database.Command", LogLevel.Critical);
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
