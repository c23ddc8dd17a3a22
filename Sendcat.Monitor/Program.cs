using System.CommandLine;
using Sendcat.Monitor.Alerts;
using Sendcat.Monitor.Chat;
using Sendcat.Monitor.DeadLetters;
using Sendcat.Monitor.Ops;
using Sendcat.Monitor.Watch;
using Sendcat.Monitor.WebConsole;

namespace Sendcat.Monitor;

/// <summary>The operator's command-line program. Without a verb it runs <c>watch</c>.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        var ops = new OpsVerb();
        var watch = WatchCommand.Create(builder => builder.AddAlerts().AddWebConsole(), app => app.MapWebConsole());
        var root = new RootCommand("Monitors Sendcat, manages dead letters and keys, and sends chat messages from a terminal.")
        {
            ChatCommand.Create(), DlqCommand.Create(ops), OpsKeyCommand.Create(ops), KnobCommand.Create(ops), SnapshotCommand.Create(ops),
            TurnCommand.Create(ops), TimelineCommand.Create(ops, TimeProvider.System), VerdictCommand.Create(ops),
            ReplicaCommand.Create(ops), RouteCommand.Create(ops), watch,
        };
        foreach (var command in CallerCommands.Create(ops))
        {
            root.Add(command);
        }

        root.Action = watch.Action;

        var parsed = root.Parse(args);
        var result = await parsed.InvokeAsync();
        return parsed.Errors.Count > 0 ? ExitCode.Undecided : result;
    }
}
