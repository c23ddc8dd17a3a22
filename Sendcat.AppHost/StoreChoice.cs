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
    /// <c>--infra</c> if given. Else external when all three connection strings are configured, containers when an engine answers,
    /// and processes of this machine otherwise. A deployment always gets containers, which its target may replace.
    /// </summary>
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
        : EngineAnswers() ? StoreChoice.Containers
        : StoreChoice.Local;

    private static bool EngineAnswers() => Answers("docker") || Answers("podman");

    private static bool Answers(string engine)
    {
        try
        {
            using var question = Process.Start(new ProcessStartInfo(engine, "info") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true });
            return question is not null && question.WaitForExit(TimeSpan.FromSeconds(5)) && question.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
