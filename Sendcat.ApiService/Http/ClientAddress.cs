using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.HttpOverrides;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Http;

/// <summary>
/// The network address of a client. <c>X-Forwarded-For</c> is trusted only from the networks in <c>TRUSTED_PROXIES</c>; it is read from its
/// right end up to the first hop that is not trusted.
/// </summary>
/// <remarks>
/// Headers that a proxy may pass through unchanged from the client (<c>cf-connecting-ip</c>, <c>x-real-ip</c>) are ignored. A proxy that
/// can be trusted appends to <c>X-Forwarded-For</c>.
/// </remarks>
internal static class ClientAddress
{
    /// <summary>Comma-separated list of CIDR ranges or addresses; empty: no proxy is trusted.</summary>
    public const string Setting = "TRUSTED_PROXIES";

    private const string KeyPrefix = "ip:";

    /// <summary>
    /// The factor by which the limit of a /48 exceeds that of one /64. A /48 is a site, or a customer of a provider, with many /64.
    /// </summary>
    private const int NetworkFactor = 4;

    /// <summary>True for a key made by <see cref="KeyOf"/>.</summary>
    public static bool IsAddress(string key) => key.StartsWith(KeyPrefix, StringComparison.Ordinal);

    /// <summary>The key of the client's address, <c>ip:…</c>. An IPv6 client owns a /64, so its key is that network.</summary>
    public static string KeyOf(HttpContext http) => http.Connection.RemoteIpAddress switch
    {
        null => "ip:unknown",
        { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } address => NetworkOf(address, 64),
        { IsIPv4MappedToIPv6: true } mapped => $"{KeyPrefix}{mapped.MapToIPv4()}",
        var address => $"{KeyPrefix}{address}",
    };

    /// <summary>The key of an address, or of a /64 or /48 network of IPv6, with or without its <c>ip:</c>; null: it is neither.</summary>
    public static string? KeyOfText(string text)
    {
        var address = text.StartsWith(KeyPrefix, StringComparison.Ordinal) ? text[KeyPrefix.Length..] : text;
        if (System.Net.IPNetwork.TryParse(address, out var network))
        {
            return network is { BaseAddress.AddressFamily: AddressFamily.InterNetworkV6, PrefixLength: 64 or 48 }
                ? NetworkOf(network.BaseAddress, network.PrefixLength)
                : null;
        }

        return !IPAddress.TryParse(address, out var parsed) ? null
            : parsed.IsIPv4MappedToIPv6 ? $"{KeyPrefix}{parsed.MapToIPv4()}"
            : parsed.AddressFamily == AddressFamily.InterNetworkV6 ? NetworkOf(parsed, 64)
            // Not short forms such as 10.1 or 1.
            : parsed.ToString() == address ? $"{KeyPrefix}{parsed}" : null;
    }

    /// <summary>The client's key and, for IPv6, that of its /48, in which one client may own many /64.</summary>
    public static LimitKey[] KeysOf(HttpContext http) =>
        http.Connection.RemoteIpAddress is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } address
            ? [new(NetworkOf(address, 64)), new(NetworkOf(address, 48), NetworkFactor)]
            : [new(KeyOf(http))];

    /// <summary>
    /// The keys under which the limits of addresses count a request. None for a loopback peer in Development. Elsewhere a loopback peer is
    /// a proxy or a program that serves others, and is counted.
    /// </summary>
    public static LimitKey[] LimitKeysOf(HttpContext http) =>
        http.Connection.RemoteIpAddress is { } address
        && IPAddress.IsLoopback(address)
        && http.RequestServices.GetRequiredService<IHostEnvironment>().IsDevelopment() ? [] : KeysOf(http);

    /// <summary>Configures the networks whose <c>X-Forwarded-For</c> is trusted.</summary>
    /// <exception cref="InvalidOperationException">An entry of <c>TRUSTED_PROXIES</c> is neither an address nor a range.</exception>
    public static void ConfigureTrustedProxies(ForwardedHeadersOptions options, IConfiguration configuration)
    {
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        options.ForwardLimit = null;
        foreach (var entry in (configuration[Setting] ?? "")
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            options.KnownIPNetworks.Add(Parse(entry));
        }

        // Without known proxies the middleware would trust every peer.
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
            : throw new InvalidOperationException(
                $"{Setting} holds '{entry}', which is neither an address nor a range such as 10.0.0.0/8.");
    }
}
