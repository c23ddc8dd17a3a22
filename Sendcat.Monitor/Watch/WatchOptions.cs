using System.ComponentModel.DataAnnotations;

namespace Sendcat.Monitor.Watch;

internal sealed class WatchOptions
{
    /// <summary>API addresses, separated by <c>,</c> or <c>;</c>. Without them service discovery says where <c>http://api</c> is, else the local default.</summary>
    [ConfigurationKeyName("SENDCAT_API_URL")]
    public string? ApiUrl { get; set; }

    /// <summary>Milliseconds between two looks at every address.</summary>
    [ConfigurationKeyName("SENDCAT_WATCH_INTERVAL_MS"), Range(200, 600_000)]
    public int IntervalMs { get; set; } = 5000;

    /// <summary>Milliseconds that one look waits for an answer.</summary>
    [ConfigurationKeyName("SENDCAT_WATCH_TIMEOUT_MS"), Range(100, 60_000)]
    public int TimeoutMs { get; set; } = 4000;
}

[Microsoft.Extensions.Options.OptionsValidator]
internal sealed partial class WatchOptionsValidator : Microsoft.Extensions.Options.IValidateOptions<WatchOptions>;
