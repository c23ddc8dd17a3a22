using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Shopping.Affiliate;

/// <summary>Our account in eBay's partner network. Links are tagged only if all five parameters other than the salt are set.</summary>
internal sealed class AffiliateOptions
{
    /// <summary>Campaign in eBay's partner network; links to eBay carry it.</summary>
    [Knob("EPN_CAMPID")]
    public string CampaignId { get; set; } = "";

    /// <summary>Channel in eBay's partner network.</summary>
    [Knob("EPN_MKCID")]
    public string ChannelId { get; set; } = "";

    /// <summary>Rotation in eBay's partner network: the site that is linked to.</summary>
    [Knob("EPN_MKRID")]
    public string RotationId { get; set; } = "";

    /// <summary>Tool in eBay's partner network.</summary>
    [Knob("EPN_TOOLID")]
    public string ToolId { get; set; } = "";

    /// <summary>Kind of event in eBay's partner network: 1 is a click.</summary>
    [Knob("EPN_MKEVT")]
    public string EventKind { get; set; } = "";

    /// <summary>Salt of the hash that identifies a visitor to eBay; empty: no hash is sent.</summary>
    [Knob("EPN_CUSTOMID_SALT", Secret = true)]
    public string CustomIdSalt { get; set; } = "";
}
