using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Ebay;

/// <summary>Address of eBay's API and the credentials of this application.</summary>
public sealed class EbayOptions
{
    /// <summary>Base URL of eBay's API.</summary>
    [Knob("EBAY_BASE_URL", StartUpOnly = true), HttpUrl]
    public string BaseUrl { get; set; } = "https://api.ebay.com";

    /// <summary>Client id of this application at eBay.</summary>
    [Knob("EBAY_CLIENT_ID")]
    public string ClientId { get; set; } = "";

    /// <summary>Client secret of this application at eBay.</summary>
    [Knob("EBAY_CLIENT_SECRET", Secret = true)]
    public string ClientSecret { get; set; } = "";

    /// <summary>The eBay marketplace that is searched.</summary>
    [Knob("EBAY_MARKETPLACE_ID"), RegularExpression("^EBAY_[A-Z]{2,4}$")]
    public string MarketplaceId { get; set; } = "EBAY_US";
}
