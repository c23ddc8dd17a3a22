using System.CommandLine;
using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Sendcat.Benchmarks.Proxies;

/// <summary>A bare proxy as a reference for the cost of any proxy. The benchmarks start it.</summary>
internal static class ProxyCommand
{
    /// <summary>Printed when the proxy accepts connections.</summary>
    public const string Ready = "proxy is ready";

    public static Command Create()
    {
        var kind = new Argument<string>("kind") { Description = "yarp or copy" };
        kind.AcceptOnlyFromAmong("yarp", "copy");
        var port = new Option<int>("--port") { Required = true };
        var upstream = new Option<Uri>("--upstream") { Required = true, CustomParser = result => new Uri(result.Tokens.Single().Value) };
        var command = new Command("proxy", "A bare proxy in a separate process.") { kind, port, upstream };
        command.Hidden = true;
        command.SetAction((parsed, cancellationToken) =>
            RunAsync(parsed.GetRequiredValue(kind), parsed.GetRequiredValue(port), parsed.GetRequiredValue(upstream), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(string kind, int port, Uri upstream, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Any, port, listen => listen.Protocols = HttpProtocols.Http1);
        });

        Action<WebApplication> map = kind == "yarp" ? YarpProxy.Prepare(builder, upstream) : CopyLoop.Prepare(upstream);
        await using var app = builder.Build();
        map(app);
        await app.StartAsync(cancellationToken);
        Console.WriteLine(Ready);
        await app.WaitForShutdownAsync(cancellationToken);
        return 0;
    }
}
