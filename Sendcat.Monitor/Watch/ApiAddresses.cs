using System.Net;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.ServiceDiscovery;

namespace Sendcat.Monitor.Watch;

/// <summary>
/// The addresses of the API: the configured ones, else every endpoint that service discovery returns, else the local default.
/// </summary>
internal sealed class ApiAddresses(ServiceEndpointResolver discovery, IConfiguration configuration, IOptionsMonitor<WatchOptions> options)
{
    private const string Service = "api";
    private static readonly Uri Default = new("http://127.0.0.1:5080/");

    public async ValueTask<IReadOnlyList<Uri>> FindAsync(CancellationToken cancellationToken)
    {
        if (options.CurrentValue.ApiUrl is { Length: > 0 } configured)
        {
            return [.. configured.Split([',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(a => Uri.TryCreate(a.TrimEnd('/') + '/', UriKind.Absolute, out var uri) ? uri : null).OfType<Uri>()];
        }

        if (!configuration.GetSection($"services:{Service}").Exists())
        {
            return [Default];
        }

        var found = await discovery.GetEndpointsAsync($"http://{Service}", cancellationToken);
        return [.. found.Endpoints.Select(e => Address(e.EndPoint)).OfType<Uri>().Distinct()];
    }

    private static Uri? Address(EndPoint endpoint) => endpoint switch
    {
        UriEndPoint uri => new Uri(uri.Uri, "/"),
        IPEndPoint ip => new($"http://{ip}/"),
        DnsEndPoint dns => new UriBuilder("http", dns.Host, dns.Port == 0 ? 80 : dns.Port).Uri,
        _ => null,
    };
}
