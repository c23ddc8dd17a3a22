using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Outbound.Ebay;

/// <summary>Where eBay is, and as whom it is asked.</summary>
public sealed class EbayOptions
{
    /// <summary>eBay's address.</summary>
    [Knob("EBAY_BASE_URL", StartUpOnly = true), RegularExpression("^https?://[^\\s/]+(/[^\\s]*)?$")]
    public string BaseUrl { get; set; } = "https://api.ebay.com";

    /// <summary>Name of this application at eBay.</summary>
    [Knob("EBAY_CLIENT_ID")]
    public string ClientId { get; set; } = "";

    /// <summary>Its secret.</summary>
    [Knob("EBAY_CLIENT_SECRET", Secret = true)]
    public string ClientSecret { get; set; } = "";

    /// <summary>The eBay site that is searched.</summary>
    [Knob("EBAY_MARKETPLACE_ID"), RegularExpression("^EBAY_[A-Z]{2,4}$")]
    public string MarketplaceId { get; set; } = "EBAY_US";
}
