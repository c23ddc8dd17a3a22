using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sendcat.ServiceDefaults.Telemetry;

internal static class ConsoleLogs
{
    private const string UtcTimestamp = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>One line per entry: for people in Development, JSON for collectors everywhere else.</summary>
    public static void AddConsoleLogs(this IHostApplicationBuilder builder)
    {
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
