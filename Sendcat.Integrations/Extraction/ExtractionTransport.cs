using Microsoft.Extensions.Options;
using Sendcat.Integrations.Providers;

namespace Sendcat.Integrations.Extraction;

/// <summary>
/// Sends the requests of the extraction: with the HTTP version of the provider, and with a limit for the size of a response.
/// </summary>
internal sealed class ExtractionTransport(IOptionsMonitor<OpenRouterOptions> options) : DelegatingHandler
{
    public const string ClientName = "extraction";

    /// <summary>Bytes of one response. An answer of all permitted tokens is much smaller.</summary>
    private const long MaxResponseBytes = 1024 * 1024;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        options.CurrentValue.ApplyVersion(request);
        var response = await base.SendAsync(request, cancellationToken);
        try
        {
            await response.Content.LoadIntoBufferAsync(MaxResponseBytes, cancellationToken);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }
}
