using Sendcat.Integrations.Mail.Senders;

namespace Sendcat.Integrations.Mail.Tracking;

/// <summary>Reads tracking numbers and order keys from the addresses of links. No address is fetched.</summary>
public static class TrackingLinks
{
    private const int MostNested = 3;

    /// <summary>
    /// Sites with the names of the parameters that hold their numbers; "/" stands for the last part of the path, "#" for the fragment's.
    /// </summary>
    private static readonly (string Host, string? Carrier, string[] Parameters)[] Sites =
    [
        ("ups.com", Carriers.Ups, ["tracknum", "tracknums", "inquirynumber1", "trackingnumber"]),
        ("fedex.com", Carriers.FedEx, ["trknbr", "tracknumbers", "trackingnumber", "tracknumber"]),
        ("usps.com", Carriers.Usps, ["tlabels", "qtc_tlabels1", "origtracknum", "strorigtracknum"]),
        ("dhl.com", Carriers.Dhl, ["tracking-id", "awb", "trackingnumber"]),
        ("dhl.de", Carriers.Dhl, ["piececode", "idc"]),
        ("webtrack.dhlglobalmail.com", Carriers.DhlEcommerce, ["trackingnumber", "id", "/"]),
        ("ontrac.com", Carriers.OnTrac, ["number", "tracking", "trackingres", "/"]),
        ("lasership.com", Carriers.LaserShip, ["track_number_input", "/"]),
        ("shipveho.com", Carriers.Veho, ["trackingid", "barcode", "#", "/"]),
        ("yuntrack.com", Carriers.YunExpress, ["id", "nums"]),
        ("gofoexpress.com", Carriers.Gofo, ["waybill", "nums", "number"]),
        ("royalmail.com", "post_gb", ["tracknumber", "#", "/"]),
        ("canadapost-postescanada.ca", "post_ca", ["searchfor"]),
        ("17track.net", null, ["nums", "#"]),
        ("aftership.com", null, ["tracking-numbers", "/"]),
        ("parcelsapp.com", null, ["/"]),
        ("narvar.com", null, ["tracking_numbers", "tracking_number"]),
    ];

    private static readonly string[] AnySite =
        ["tracking_number", "tracking_numbers", "trackingnumber", "tracknumber", "track_num", "tracknum"];

    /// <summary>The tracking numbers in an address, also in one that is the parameter of a redirecting link.</summary>
    public static IReadOnlyList<TrackingMatch> NumbersIn(string address) =>
        [.. Unwrapped(address).SelectMany(NumbersIn).DistinctBy(match => match.Number)];

    /// <summary>The first value of the parameters in the address or in one that is nested in it.</summary>
    /// <param name="address">The address of a link.</param>
    /// <param name="site">The site, or one of its sub-domains, whose parameters count.</param>
    /// <param name="parameters">Names in lower case.</param>
    public static string? Parameter(string address, string site, params ReadOnlySpan<string> parameters)
    {
        foreach (var link in Unwrapped(address))
        {
            if (!DomainNames.IsWithin(link.Host, site))
            {
                continue;
            }

            foreach (var (name, value) in ParametersOf(link))
            {
                if (parameters.Contains(name) && value.Length is > 0 and <= 80)
                {
                    return value;
                }
            }
        }

        return null;
    }

    private static IEnumerable<TrackingMatch> NumbersIn(Uri link)
    {
        foreach (var (host, carrier, names) in Sites)
        {
            if (!DomainNames.IsWithin(link.Host, host))
            {
                continue;
            }

            foreach (var value in names.SelectMany(name => ValuesOf(link, name)))
            {
                if (TrackingNumbers.OfNamed(value, carrier) is { } match && (carrier is not null || match.Candidates.Count > 0))
                {
                    yield return match;
                }
            }

            yield break;
        }

        foreach (var value in AnySite.SelectMany(name => ValuesOf(link, name)))
        {
            if (TrackingNumbers.OfNamed(value, carrier: null) is { Candidates.Count: > 0 } match)
            {
                yield return match;
            }
        }
    }

    private static IEnumerable<string> ValuesOf(Uri link, string name) => name switch
    {
        "/" => [Uri.UnescapeDataString(link.AbsolutePath.TrimEnd('/').Split('/')[^1])],
        "#" => [Uri.UnescapeDataString(link.Fragment.TrimStart('#').TrimEnd('/').Split('/', '=')[^1])],
        _ => ParametersOf(link).Where(parameter => parameter.Name == name).SelectMany(parameter => parameter.Value.Split(',', ';', ' '))
            .Take(20),
    };

    /// <summary>The address, and the addresses that its parameters contain.</summary>
    private static IEnumerable<Uri> Unwrapped(string address)
    {
        var next = address;
        for (var depth = 0; depth < MostNested && next is not null; depth++)
        {
            if (next.Length > 4_096 || !Uri.TryCreate(next, UriKind.Absolute, out var link) || link.Scheme is not ("http" or "https"))
            {
                yield break;
            }

            yield return link;
            next = ParametersOf(link).Select(parameter => parameter.Value)
                .FirstOrDefault(
                    value => value.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
                        || value.StartsWith("https://", StringComparison.OrdinalIgnoreCase));
        }
    }

    private static IEnumerable<(string Name, string Value)> ParametersOf(Uri link) =>
        from part in (
            link.Query.TrimStart('?') + "&" + (link.Fragment.Contains('=', StringComparison.Ordinal) ? link.Fragment.TrimStart('#') : ""))
            .Split('&').Take(60)
        let at = part.IndexOf('=', StringComparison.Ordinal)
        where at > 0
        select (Uri.UnescapeDataString(part[..at]).ToLowerInvariant(), Uri.UnescapeDataString(part[(at + 1)..].Replace('+', ' ')));
}
