using System.Net;
using Microsoft.Extensions.Options;

namespace Sendcat.ApiService.Http;

/// <summary>The address at which browsers reach this API.</summary>
/// <remarks>
/// The Host header of a request is no proof of it: any site can point its name at this address, and would then receive what other services
/// send to it. So it is used only in Development, and only for this machine.
/// </remarks>
internal sealed class PublicAddress(IOptionsMonitor<PublicAddressOptions> options, IHostEnvironment environment)
{
    /// <param name="path">A path that begins with a slash.</param>
    /// <returns>The absolute address; null when none is configured.</returns>
    public string? Of(HttpContext http, string path) =>
        options.CurrentValue.Url is { Length: > 0 } configured ? configured.TrimEnd('/') + path
        : environment.IsDevelopment() && IsThisMachine(http.Request.Host.Host) ? $"{http.Request.Scheme}://{http.Request.Host}{path}"
        : null;

    private static bool IsThisMachine(string host) =>
        host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
