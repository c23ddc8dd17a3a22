using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Http;

internal sealed class OriginOptions
{
    /// <summary>
    /// Comma-separated web origins that may call, compared exactly; in Development the names of the own machine are one host. Empty: those
    /// of local front ends in Development, none elsewhere. Requests without Origin are always accepted: they do not come from the page of
    /// another site.
    /// </summary>
    [Knob("ALLOWED_ORIGINS")]
    public string AllowedOrigins { get; set; } = "";
}
