using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Http;

internal sealed class OriginOptions
{
    /// <summary>Comma list of the web origins that may call; compared exactly. Empty: those of local front ends in Development, none elsewhere. A request without Origin does not come from a foreign page and is let through.</summary>
    [Knob("ALLOWED_ORIGINS")]
    public string AllowedOrigins { get; set; } = "";
}
