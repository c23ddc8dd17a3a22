using Microsoft.Extensions.DependencyInjection;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.Shopping;

/// <summary>The API and the emulated eBay that it calls.</summary>
internal sealed class Shop : IAsyncDisposable
{
    private Shop(SendcatApi api, UpstreamEmulatorHost ebay) => (Api, Ebay) = (api, ebay);

    public SendcatApi Api { get; }

    public UpstreamEmulatorHost Ebay { get; }

    public static async Task<Shop> StartAsync(
        PostgresFixture postgres, Dictionary<string, string>? settings = null, Action<IServiceCollection>? services = null)
    {
        var ebay = await UpstreamEmulatorHost.StartAsync();
        var api = await SendcatApi.StartAsync(
            postgres,
            new(settings ?? [])
            {
                ["EBAY_BASE_URL"] = ebay.Ebay.ToString(),
                ["EBAY_CLIENT_ID"] = settings?.GetValueOrDefault("EBAY_CLIENT_ID") ?? "id",
                ["EBAY_CLIENT_SECRET"] = "secret",
            },
            services);
        return new(api, ebay);
    }

    /// <summary>Number of requests to eBay whose path contains <paramref name="part"/>.</summary>
    public int RequestCount(string part) => Ebay.Requests.Count(request => request.Path.Contains(part, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await Ebay.DisposeAsync();
    }
}
