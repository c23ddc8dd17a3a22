using System.CommandLine;

namespace Sendcat.Monitor.Watch;

/// <summary><c>watch</c>: the operator console and the alerts. It runs until it is stopped.</summary>
internal static class WatchCommand
{
    /// <param name="more">Adds what runs beside the console.</param>
    public static Command Create(Action<WebApplicationBuilder> more)
    {
        var command = new Command("watch", "Watches the API, raises alerts, and serves the operator console (http://127.0.0.1:5090 unless ASPNETCORE_URLS says otherwise).");
        command.SetAction(async (_, stop) =>
        {
            await using var app = WatchConsole.Build([], more);
            await app.RunAsync(stop);
            return ExitCode.Pass;
        });
        return command;
    }
}
