using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ToolWorker.Upstreams;

/// <summary>Where the tools' upstreams are, and with which keys they are asked.</summary>
internal sealed class UpstreamOptions
{
    private const string Address = "^https?://[^\\s/]+(/[^\\s]*)?$";

    /// <summary>Serper's address.</summary>
    [Knob("SERPER_BASE_URL"), RegularExpression(Address)]
    public string SerperBaseUrl { get; set; } = "https://google.serper.dev";

    /// <summary>Key for Serper: web search, and global search when it is set.</summary>
    [Knob("SERPER_API_KEY", Secret = true)]
    public string SerperApiKey { get; set; } = "";

    /// <summary>SerpAPI's address.</summary>
    [Knob("SERPAPI_BASE_URL"), RegularExpression(Address)]
    public string SerpApiBaseUrl { get; set; } = "https://serpapi.com";

    /// <summary>Key for SerpAPI: global search when there is none for Serper.</summary>
    [Knob("SERPAPI_API_KEY", Secret = true)]
    public string SerpApiKey { get; set; } = "";

    /// <summary>eBay's address.</summary>
    [Knob("EBAY_BASE_URL"), RegularExpression(Address)]
    public string EbayBaseUrl { get; set; } = "https://api.ebay.com";

    /// <summary>Name of this application at eBay.</summary>
    [Knob("EBAY_CLIENT_ID")]
    public string EbayClientId { get; set; } = "";

    /// <summary>Its secret.</summary>
    [Knob("EBAY_CLIENT_SECRET", Secret = true)]
    public string EbayClientSecret { get; set; } = "";

    /// <summary>The eBay site that is searched.</summary>
    [Knob("EBAY_MARKETPLACE_ID"), RegularExpression("^EBAY_[A-Z]{2,4}$")]
    public string EbayMarketplaceId { get; set; } = "EBAY_US";
}
