using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.UpstreamEmulator;

/// <summary>Tests of an emulator that starts anew for each of them, so that counters and recorded requests are those of one test.</summary>
public abstract class EmulatorTests : IAsyncLifetime
{
    private protected UpstreamEmulatorHost Emulator { get; private set; } = null!;

    /// <summary>A client of the emulated OpenRouter, over HTTP/1.1.</summary>
    private protected EmulatorClient OpenRouter { get; private set; } = null!;

    /// <summary>A client of the other emulated upstreams.</summary>
    private protected RestClient Rest { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Emulator = await UpstreamEmulatorHost.StartAsync();
        (OpenRouter, Rest) = (new(Emulator), new(Emulator));
    }

    public async ValueTask DisposeAsync()
    {
        OpenRouter.Dispose();
        Rest.Dispose();
        await Emulator.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
