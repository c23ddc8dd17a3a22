using System.CommandLine;

namespace Sendcat.Monitor.Watch;

/// <summary><c>watch</c>: the operator console and the alerts. It runs until it is stopped.</summary>
internal static class WatchCommand
{
    /// <param name="add">Adds what runs beside the probes.</param>
    /// <param name="map">Maps its pages.</param>
    public static Command Create(Action<WebApplicationBuilder> add, Action<WebApplication> map)
    {
        var command = new Command(
            "watch",
            "Watches the API, raises alerts, and serves the operator console "
                + "(http://127.0.0.1:5090 unless ASPNETCORE_URLS says otherwise).");
        command.SetAction(async (_, stop) =>
        {
            await using var app = WatchProgram.Build([], add, map);
            await app.RunAsync(stop);
            return ExitCode.Pass;
        });
        return command;
    }
}
