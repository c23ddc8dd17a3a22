using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ToolWorker.Upstreams;

/// <summary>Where the upstreams are that only tools ask, and with which keys.</summary>
internal sealed class UpstreamOptions
{
    private const string Address = "^https?://[^\\s/]+(/[^\\s]*)?$";

    /// <summary>Serper's address.</summary>
    [Knob("SERPER_BASE_URL", StartUpOnly = true), RegularExpression(Address)]
    public string SerperBaseUrl { get; set; } = "https://google.serper.dev";

    /// <summary>Key for Serper: web search, and global search when it is set.</summary>
    [Knob("SERPER_API_KEY", Secret = true)]
    public string SerperApiKey { get; set; } = "";

    /// <summary>SerpAPI's address.</summary>
    [Knob("SERPAPI_BASE_URL", StartUpOnly = true), RegularExpression(Address)]
    public string SerpApiBaseUrl { get; set; } = "https://serpapi.com";

    /// <summary>Key for SerpAPI: global search when there is none for Serper.</summary>
    [Knob("SERPAPI_API_KEY", Secret = true)]
    public string SerpApiKey { get; set; } = "";
}
