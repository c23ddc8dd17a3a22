using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Tools;

namespace Sendcat.ApiService.Shopping.Affiliate;

/// <summary>
/// The affiliate parameters of links to eBay, which attribute a purchase to us. The names are eBay's query parameters.
/// </summary>
/// <param name="Customid">
/// A salted SHA-256 hash of the user id, or of the session id as the client holds it, so that eBay cannot identify the visitor; null: no
/// salt is set.
/// </param>
internal sealed record AffiliateTag(string Campid, string Mkcid, string Mkrid, string Toolid, string Mkevt, string? Customid)
{
    /// <summary>Suffixes of eBay's host names after <c>ebay.</c>.</summary>
    private static readonly HashSet<string> HostSuffixes = new(StringComparer.OrdinalIgnoreCase)
    {
        "com", "co.uk", "de", "fr", "it", "es", "ca", "com.au", "at", "ch", "ie", "nl", "be", "pl", "com.hk", "com.sg", "com.my", "ph",
    };

    /// <returns>Null: the affiliate parameters are not configured.</returns>
    public static AffiliateTag? Of(AffiliateOptions options, Principal principal) =>
        Of(options, principal.UserId ?? principal.PresentedSessionId);

    /// <summary>The delegate that tags the links of the products that a tool finds.</summary>
    public static TagLink LinkTagger(IOptionsMonitor<AffiliateOptions> options, AnonymousSessions sessions) => (link, principal) =>
        Uri.TryCreate(link, UriKind.Absolute, out var page)
            && Of(options.CurrentValue, sessions.Presented(Principal.IdOf(principal))) is { } tag
                ? tag.On(page).AbsoluteUri
                : link;

    private static AffiliateTag? Of(AffiliateOptions options, string? visitor)
    {
        string[] all = [options.CampaignId, options.ChannelId, options.RotationId, options.ToolId, options.EventKind];
        return all.Any(string.IsNullOrWhiteSpace) ? null : new(
            options.CampaignId.Trim(), options.ChannelId.Trim(), options.RotationId.Trim(), options.ToolId.Trim(), options.EventKind.Trim(),
            options.CustomIdSalt.Length == 0
                ? null
                : Convert.ToHexStringLower(
                    SHA256.HashData(Encoding.UTF8.GetBytes($"{options.CustomIdSalt}:{visitor}"))));
    }

    /// <summary>Adds the tag to a link to eBay and replaces the affiliate parameters that the link already has.</summary>
    /// <returns>The tagged link; a link that does not lead to eBay is returned unchanged.</returns>
    public Uri On(Uri link)
    {
        if (!IsEbay(link))
        {
            return link;
        }

        (string Name, string? Value)[] tag =
            [("mkevt", Mkevt), ("mkcid", Mkcid), ("mkrid", Mkrid), ("campid", Campid), ("toolid", Toolid), ("customid", Customid)];
        var others = link.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
            .Where(
                pair => !tag.Any(part => part.Name.Equals(Uri.UnescapeDataString(pair.Split('=')[0]), StringComparison.OrdinalIgnoreCase)));
        var ours = tag.Where(part => part.Value is not null).Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}");
        return new UriBuilder(link) { Query = string.Join('&', others.Concat(ours)) }.Uri;
    }

    /// <summary>
    /// Checks whole labels at the end of the host name: neither <c>notebay.com</c> nor <c>ebay.com.example.org</c> is eBay.
    /// </summary>
    internal static bool IsEbay(Uri link)
    {
        var host = link.IdnHost;
        var at = host.StartsWith("ebay.", StringComparison.OrdinalIgnoreCase) ? 0
            : host.LastIndexOf(".ebay.", StringComparison.OrdinalIgnoreCase) is >= 0 and var dot ? dot + 1
            : -1;
        return at >= 0
            && (link.Scheme == Uri.UriSchemeHttps || link.Scheme == Uri.UriSchemeHttp)
            && HostSuffixes.Contains(host[(at + "ebay.".Length)..]);
    }
}
