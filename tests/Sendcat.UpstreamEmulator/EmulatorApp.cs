using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Sendcat.UpstreamEmulator.Ebay;
using Sendcat.UpstreamEmulator.Gmail;
using Sendcat.UpstreamEmulator.Google;
using Sendcat.UpstreamEmulator.Markers;
using Sendcat.UpstreamEmulator.OpenRouter;
using Sendcat.UpstreamEmulator.Pacing;
using Sendcat.UpstreamEmulator.Resend;
using Sendcat.UpstreamEmulator.Rest;
using Sendcat.UpstreamEmulator.S3;
using Sendcat.UpstreamEmulator.SerpApi;
using Sendcat.UpstreamEmulator.Sentry;
using Sendcat.UpstreamEmulator.Serper;
using Sendcat.UpstreamEmulator.Shop;
using Sendcat.UpstreamEmulator.Stats;
using Sendcat.UpstreamEmulator.WhatsApp;

namespace Sendcat.UpstreamEmulator;

/// <summary>Builds the web application, with one <c>AddX</c> and one <c>MapX</c> call per upstream.</summary>
internal static class EmulatorApp
{
    /// <summary>
    /// The listen options of both protocols. Kestrel writes the bound port into them when it starts, so the addresses are valid only after
    /// the start.
    /// </summary>
    public sealed record Listeners(List<ListenOptions> Http1Options, List<ListenOptions> H2cOptions)
    {
        public IReadOnlyList<Uri> Http1 => [.. Http1Options.Select(Address)];

        public IReadOnlyList<Uri> H2c => [.. H2cOptions.Select(Address)];

        private static Uri Address(ListenOptions listen) => new($"http://{listen.IPEndPoint}/");
    }

    public static (WebApplication App, Listeners Listeners) Build(EmulatorOptions options)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        var listeners = new Listeners([], []);
        builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, "");
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, options, listeners));
        builder.Services.Configure<SocketTransportOptions>(sockets => (sockets.NoDelay, sockets.Backlog) = (true, 16_384));
        // Streams that hang on purpose would block a longer graceful shutdown.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMilliseconds(200));
        builder.Services.AddSingleton(options).AddSingleton(options.Clock).AddSingleton<TimerWheel>()
            .AddSingleton<EmulatorStats>().AddSingleton<RequestLog>().AddSingleton<AttemptCounter>();
        builder.Services.AddOpenRouter().AddRest().AddResend().AddGmail().AddWhatsApp().AddSentryIngestion()
            .AddSingleton<SerperUpstream>().AddSingleton<SerpApiUpstream>().AddSingleton<EbayTokens>().AddSingleton<EbayUpstream>()
            .AddSingleton<S3Upstream>()
            .AddSingleton<GoogleCodes>().AddSingleton<GoogleGrants>().AddSingleton<GoogleSigningKeys>().AddSingleton<GoogleUpstream>();

        var app = builder.Build();
        app.MapGet("/health", () => Results.Text("Healthy"));
        app.MapGet("/alive", () => Results.Text("Healthy"));
        app.MapGet(
            "/readme",
            () => Results.Stream(typeof(EmulatorApp).Assembly.GetManifestResourceStream("README.md")!, "text/markdown; charset=utf-8"));
        app.MapStats(listeners);
        app.MapOpenRouter();
        app.MapRest();
        app.MapSerper();
        app.MapSerpApi();
        app.MapEbay();
        app.MapS3();
        app.MapResend();
        app.MapGoogle();
        app.MapGmail();
        app.MapWhatsApp();
        app.MapSentry();
        app.MapPictures();
        return (app, listeners);
    }

    private static void Listen(KestrelServerOptions kestrel, EmulatorOptions options, Listeners listeners)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = null;
        kestrel.Limits.MaxRequestBodySize = 64 * 1024 * 1024;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null; // a slow reader is allowed
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(30);
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromMinutes(2);
        kestrel.Limits.Http2.MaxStreamsPerConnection = 100_000;
        kestrel.Limits.Http2.InitialConnectionWindowSize = 16 * 1024 * 1024;
        kestrel.Limits.Http2.InitialStreamWindowSize = 1024 * 1024;
        foreach (var endpoint in options.Http1)
        {
            kestrel.Listen(endpoint, listen => Add(listen, HttpProtocols.Http1, listeners.Http1Options));
        }

        foreach (var endpoint in options.H2c)
        {
            kestrel.Listen(endpoint, listen => Add(listen, HttpProtocols.Http2, listeners.H2cOptions));
        }
    }

    private static void Add(ListenOptions listen, HttpProtocols protocols, List<ListenOptions> list)
    {
        listen.Protocols = protocols;
        list.Add(listen);
    }
}
