using System.CommandLine;

namespace Sendcat.Monitor.Watch;

/// <summary><c>watch</c>: the operator console. It runs until it is stopped.</summary>
internal static class WatchCommand
{
    public static Command Create()
    {
        var command = new Command("watch", "Watches the API and serves the operator console (http://127.0.0.1:5090 unless ASPNETCORE_URLS says otherwise).");
        command.SetAction(async (_, stop) =>
        {
            await using var app = WatchConsole.Build([]);
            await app.RunAsync(stop);
            return ExitCode.Pass;
        });
        return command;
    }
}
