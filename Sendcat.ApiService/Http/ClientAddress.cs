using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.HttpOverrides;
using Sendcat.Reliability.Redis;

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

    /// <summary>A /48 is a site or a provider's customer with many /64: it has so many times the limit of one.</summary>
    private const int TimesOfNetwork = 4;

    /// <summary>True for a name made by <see cref="KeyOf"/>.</summary>
    public static bool IsAddress(string key) => key.StartsWith(KeyPrefix, StringComparison.Ordinal);

    /// <summary>The name of the client. An IPv6 client owns a /64, so that is what is named.</summary>
    public static string KeyOf(HttpContext http) => http.Connection.RemoteIpAddress switch
    {
        null => "ip:unknown",
        { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } address => NetworkOf(address, 64),
        { IsIPv4MappedToIPv6: true } mapped => $"{KeyPrefix}{mapped.MapToIPv4()}",
        var address => $"{KeyPrefix}{address}",
    };

    /// <summary>The client's name and, for IPv6, that of the /48 in which it may have as many /64 as it likes.</summary>
    public static LimitKey[] NamesOf(HttpContext http) =>
        http.Connection.RemoteIpAddress is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } address
            ? [new(NetworkOf(address, 64)), new(NetworkOf(address, 48), TimesOfNetwork)]
            : [new(KeyOf(http))];

    /// <summary>
    /// The names that limits of addresses are counted under. None for this very machine in Development; elsewhere a peer on loopback is a proxy or a program that somebody else uses, and counts.
    /// </summary>
    public static LimitKey[] LimitsOf(HttpContext http) =>
        http.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address) && http.RequestServices.GetRequiredService<IHostEnvironment>().IsDevelopment() ? [] : NamesOf(http);

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

    private static string NetworkOf(IPAddress address, int bits)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[(bits / 8)..].Clear();
        return $"{KeyPrefix}{new IPAddress(bytes)}/{bits}";
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
