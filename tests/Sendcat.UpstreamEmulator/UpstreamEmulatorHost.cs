using Sendcat.UpstreamEmulator.Ebay;
using Sendcat.UpstreamEmulator.Markers;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;
using Sendcat.UpstreamEmulator.Rest;
using Sendcat.UpstreamEmulator.Stats;

namespace Sendcat.UpstreamEmulator;

/// <summary>
/// A running emulator. Tests start their own (ports chosen by the system, some tens of milliseconds) and dispose of it; <see cref="EmulatorProgram"/> runs the same thing for people.
/// </summary>
public sealed class UpstreamEmulatorHost : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly EmulatorApp.Listeners listeners;

    private UpstreamEmulatorHost(WebApplication app, EmulatorApp.Listeners listeners)
    {
        this.app = app;
        this.listeners = listeners;
        Stats = app.Services.GetRequiredService<EmulatorStats>();
    }

    /// <summary>Base addresses as bound, with a trailing slash.</summary>
    public IReadOnlyList<Uri> Http1Addresses => listeners.Http1;

    public IReadOnlyList<Uri> H2cAddresses => listeners.H2c;

    public Uri Http1 => Http1Addresses[0];

    public Uri H2c => H2cAddresses[0];

    /// <summary>What <c>OPENROUTER_BASE_URL</c> wants: <c>http://127.0.0.1:port/openrouter/api/v1</c>.</summary>
    public Uri OpenRouter => new(Http1, "openrouter/api/v1");

    /// <summary>The same over HTTP/2 prior knowledge; the client must ask for version 2.0 exactly.</summary>
    public Uri OpenRouterH2c => new(H2c, "openrouter/api/v1");

    /// <summary>What <c>SERPER_BASE_URL</c> wants.</summary>
    public Uri Serper => new(Http1, "serper");

    /// <summary>What <c>SERPAPI_BASE_URL</c> wants.</summary>
    public Uri SerpApi => new(Http1, "serpapi");

    /// <summary>What <c>EBAY_BASE_URL</c> wants.</summary>
    public Uri Ebay => new(Http1, "ebay");

    public EmulatorStats Stats { get; }

    /// <summary>The last received requests, oldest first (up to <see cref="EmulatorOptions.KeepRequests"/>).</summary>
    public IReadOnlyList<ReceivedRequest> Requests => app.Services.GetRequiredService<RequestLog>().Snapshot();

    /// <summary>Starts on ports of 127.0.0.1 that the system chooses, keeping the last 256 requests, unless <paramref name="configure"/> says otherwise.</summary>
    public static Task<UpstreamEmulatorHost> StartAsync(Action<EmulatorOptions>? configure = null, CancellationToken cancellationToken = default)
    {
        var options = new EmulatorOptions { Http1 = [new(System.Net.IPAddress.Loopback, 0)], H2c = [new(System.Net.IPAddress.Loopback, 0)], KeepRequests = 256 };
        configure?.Invoke(options);
        return StartAsync(options, cancellationToken);
    }

    public static async Task<UpstreamEmulatorHost> StartAsync(EmulatorOptions options, CancellationToken cancellationToken = default)
    {
        var (app, listeners) = EmulatorApp.Build(options);
        await app.StartAsync(cancellationToken);
        return new(app, listeners);
    }

    /// <summary>
    /// Adds marker blocks that apply to every following request as if its prompt began with them, e.g. <c>[[emu model=openai/gpt-5 status=503]]</c> or
    /// <c>[[emu call=1 tool=search_web args={"query":"kettle"}]] [[emu call=2 text="Here you are."]]</c>. Markers in a prompt are applied after these.
    /// </summary>
    /// <exception cref="FormatException">The markers cannot be read.</exception>
    public void Direct(string markers) => app.Services.GetRequiredService<StandingDirections<Directions>>().Add(markers);

    public void ClearDirections() => app.Services.GetRequiredService<StandingDirections<Directions>>().Clear();

    /// <summary>The same for Serper, SerpAPI and eBay, e.g. <c>[[emu at=ebay/search status=503]] [[emu at=serper hang=before-headers]]</c>; <see cref="Direct"/> concerns models alone.</summary>
    /// <exception cref="FormatException">The markers cannot be read.</exception>
    public void DirectRest(string markers) => app.Services.GetRequiredService<StandingDirections<RestDirections>>().Add(markers);

    public void ClearRestDirections() => app.Services.GetRequiredService<StandingDirections<RestDirections>>().Clear();

    /// <summary>No token that eBay gave out so far is good any more.</summary>
    public void RevokeEbayTokens() => app.Services.GetRequiredService<EbayTokens>().Revoke();

    public Task WaitForShutdownAsync(CancellationToken cancellationToken = default) => app.WaitForShutdownAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
    }
}
