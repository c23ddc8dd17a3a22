using System.ComponentModel.DataAnnotations;

namespace Sendcat.Monitor.Watch;

internal sealed class WatchOptions
{
    /// <summary>
    /// API addresses, separated by <c>,</c> or <c>;</c>. Not set: service discovery resolves <c>http://api</c>; without service discovery
    /// the local default is used.
    /// </summary>
    [ConfigurationKeyName("SENDCAT_API_URL")]
    public string? ApiUrl { get; set; }

    /// <summary>Milliseconds between two probes of every address. Read at start.</summary>
    [ConfigurationKeyName("SENDCAT_WATCH_INTERVAL_MS"), Range(200, 600_000)]
    public int IntervalMs { get; set; } = 5000;

    /// <summary>Timeout of one probe in milliseconds.</summary>
    [ConfigurationKeyName("SENDCAT_WATCH_TIMEOUT_MS"), Range(100, 60_000)]
    public int TimeoutMs { get; set; } = 4000;
}

[Microsoft.Extensions.Options.OptionsValidator]
internal sealed partial class WatchOptionsValidator : Microsoft.Extensions.Options.IValidateOptions<WatchOptions>;
