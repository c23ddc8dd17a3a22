using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.HttpOverrides;

namespace Sendcat.ApiService.Http;

/// <summary>Where a request came from. <c>X-Forwarded-For</c> is believed only from the networks in <c>TRUSTED_PROXIES</c>, read from its right end up to the first hop we do not trust.</summary>
/// <remarks>
/// Headers that a proxy may hand through from the client unseen (<c>cf-connecting-ip</c>, <c>x-real-ip</c>) are not looked at: every proxy worth trusting appends to <c>X-Forwarded-For</c>.
/// </remarks>
internal static class ClientAddress
{
    /// <summary>Comma list of CIDR ranges or addresses; empty: nobody is trusted.</summary>
    public const string Setting = "TRUSTED_PROXIES";

    private const string KeyPrefix = "ip:";

    /// <summary>True for a name made by <see cref="KeyOf"/>.</summary>
    public static bool IsAddress(string key) => key.StartsWith(KeyPrefix, StringComparison.Ordinal);

    /// <summary>True for a request of this very machine.</summary>
    public static bool IsLoopback(HttpContext http) => http.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address);

    /// <summary>The same for a name made by <see cref="KeyOf"/>; the loopback address of IPv6 was cut to its network.</summary>
    public static bool IsLoopback(string key) => key == "ip:::/64" || key.StartsWith("ip:127.", StringComparison.Ordinal);

    /// <summary>The name that limits are counted under. An IPv6 client owns a /64, so that is what is counted.</summary>
    public static string KeyOf(HttpContext http)
    {
        if (http.Connection.RemoteIpAddress is not { } address)
        {
            return "ip:unknown";
        }

        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return $"ip:{address}";
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return $"ip:{new IPAddress(bytes)}/64";
    }

    /// <exception cref="InvalidOperationException">An entry is no address range. Whom to believe is not a thing to guess.</exception>
    public static void Trust(ForwardedHeadersOptions options, IConfiguration configuration)
    {
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        options.ForwardLimit = null;
        foreach (var entry in (configuration[Setting] ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            options.KnownIPNetworks.Add(Parse(entry));
        }

        // With no known proxy at all the middleware would believe everyone.
        options.ForwardedHeaders = options.KnownIPNetworks.Count == 0 ? ForwardedHeaders.None : ForwardedHeaders.XForwardedFor;
    }

    private static System.Net.IPNetwork Parse(string entry)
    {
        if (System.Net.IPNetwork.TryParse(entry, out var network))
        {
            return network;
        }

        return IPAddress.TryParse(entry, out var address)
            ? new(address, address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32)
            : throw new InvalidOperationException($"{Setting} holds '{entry}', which is neither an address nor a range such as 10.0.0.0/8.");
    }
}
