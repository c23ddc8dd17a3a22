using Sendcat.Reliability.Knobs;

namespace Sendcat.ToolWorker.Upstreams;

/// <summary>Addresses and API keys of the upstreams that only tools call.</summary>
internal sealed class UpstreamOptions
{
    /// <summary>Base address of Serper.</summary>
    [Knob("SERPER_BASE_URL", StartUpOnly = true), HttpUrl]
    public string SerperBaseUrl { get; set; } = "https://google.serper.dev";

    /// <summary>API key for Serper: web search, and global search when the key is set.</summary>
    [Knob("SERPER_API_KEY", Secret = true)]
    public string SerperApiKey { get; set; } = "";

    /// <summary>Base address of SerpAPI.</summary>
    [Knob("SERPAPI_BASE_URL", StartUpOnly = true), HttpUrl]
    public string SerpApiBaseUrl { get; set; } = "https://serpapi.com";

    /// <summary>API key for SerpAPI: global search when there is no key for Serper.</summary>
    [Knob("SERPAPI_API_KEY", Secret = true)]
    public string SerpApiKey { get; set; } = "";
}
