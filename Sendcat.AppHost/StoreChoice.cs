using System.Diagnostics;
using Microsoft.Extensions.Configuration;

namespace Sendcat.AppHost;

internal enum StoreChoice
{
    Containers,
    Local,
    External,
}

internal static class StoreChoiceExtensions
{
    private static readonly string[] Connections = ["redis", "sendcatdb", "messaging"];

    /// <summary>
    /// The value of <c>--infra</c> if given. Otherwise external when all three connection strings are configured, containers when a
    /// container engine responds, and local processes in all other cases. A deployment always uses containers, which its target can
    /// replace.
    /// </summary>
    /// <exception cref="DistributedApplicationException"><c>--infra</c> has an unknown value.</exception>
    public static StoreChoice ChooseStores(this IDistributedApplicationBuilder builder)
    {
        if (builder.ExecutionContext.IsPublishMode)
        {
            return StoreChoice.Containers;
        }

        return builder.Configuration["infra"] switch
        {
            "local" => StoreChoice.Local,
            "external" => StoreChoice.External,
            "containers" => StoreChoice.Containers,
            null or "" => Default(builder.Configuration),
            var other => throw new DistributedApplicationException($"--infra is local, external or containers, not '{other}'."),
        };
    }

    private static StoreChoice Default(IConfiguration configuration) =>
        Connections.All(name => !string.IsNullOrEmpty(configuration.GetConnectionString(name))) ? StoreChoice.External
        : EngineResponds() ? StoreChoice.Containers
        : StoreChoice.Local;

    private static bool EngineResponds() => Responds("docker") || Responds("podman");

    private static bool Responds(string engine)
    {
        try
        {
            using var info = Process.Start(new ProcessStartInfo(engine, "info")
            {
                UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
            });
            return info is not null && info.WaitForExit(TimeSpan.FromSeconds(5)) && info.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
