using System.CommandLine;
using Sendcat.Monitor.Chat;
using Sendcat.Monitor.DeadLetters;
using Sendcat.Monitor.Watch;

namespace Sendcat.Monitor;

/// <summary>The operator's program: one verb per thing it can do. Without a verb it watches.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        var watch = WatchCommand.Create();
        var root = new RootCommand("Watches Sendcat, mends it, and talks to it from a terminal.") { ChatCommand.Create(), DlqCommand.Create(), watch };
        root.Action = watch.Action;

        var parsed = root.Parse(args);
        var result = await parsed.InvokeAsync();
        return parsed.Errors.Count > 0 ? ExitCode.Undecided : result;
    }
}
