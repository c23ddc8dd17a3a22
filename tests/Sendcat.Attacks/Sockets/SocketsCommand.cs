using System.CommandLine;
using System.Globalization;
using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Measure;
using Sendcat.Attacks.Target;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.Attacks.Sockets;

/// <summary>
/// <c>idle</c>, <c>slow-headers</c>, <c>slow-bodies</c>, <c>never-readers</c>: many connections from several client processes, beside
/// honest users.
/// </summary>
internal static class SocketsCommand
{
    private const int ConnectionsPerProcess = 5_000;
    private const byte FirstNet = 20;

    private static readonly TimeSpan HonestPause = TimeSpan.FromSeconds(1);

    /// <summary>JIT compilation after the start of the process must not count as an effect of the attack.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The tier L has slots for twenty honest users and two hundred clients that never read. Clients, emulator, stores and API share the
    /// cores of the machine, so Redis may respond late. Its decisions otherwise fail closed after 50 ms; other tests check that.
    /// </summary>
    private static readonly KeyValuePair<string, string>[] Knobs = [
        new("SENDCAT_CAPACITY_TIER", "L"), new("REDIS_DECISION_TIMEOUT_MS", "1000")];

    private static readonly TimeSpan OpenTimeout = TimeSpan.FromMinutes(5);

    public static IEnumerable<Command> All() =>
    [
        Create("idle", HoldKind.Idle, "--sockets", 20_000, "Connections that send nothing."),
        Create("slow-headers", HoldKind.SlowHeaders, "--connections", 2_000, "Requests whose headers never end."),
        Create("slow-bodies", HoldKind.SlowBodies, "--connections", 500, "Requests that send their bodies byte by byte."),
        Create("never-readers", HoldKind.NeverReaders, "--connections", 200, "Chats of 1 MB that the client does not read."),
    ];

    private static Command Create(string name, HoldKind kind, string option, int defaultCount, string description)
    {
        var count = new Option<int>(option) { DefaultValueFactory = _ => defaultCount };
        var honest = new Option<int>("--honest") { DefaultValueFactory = _ => 20, Description = "Honest users beside the connections." };
        var seconds = new Option<int>("--seconds")
        {
            DefaultValueFactory = _ => 20,
            Description = "Length of each of the two measurements.",
        };
        var settings = CommandOptions.Settings();
        var command = new Command(name, description) { count, honest, seconds, settings };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            kind, parsed.GetValue(count), parsed.GetValue(honest), TimeSpan.FromSeconds(parsed.GetValue(seconds)),
            CommandOptions.Knobs(parsed.GetValue(settings)), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        HoldKind kind, int count, int honest, TimeSpan time, IEnumerable<KeyValuePair<string, string>> knobs,
        CancellationToken cancellationToken)
    {
        await using var stores = new SharedStores();
        await using var system = await AttackedSystem.StartAsync(
            stores, (SystemOptions.Default with { HonestPause = HonestPause }).With(Knobs).With(knobs), honest);
        Console.WriteLine($"{kind}: {count} connections, {honest} honest users, {time.TotalSeconds:0} s for each measurement");
        await MeasureAsync(system, WarmUp, cancellationToken);
        var (alone, costAlone) = await MeasureAsync(system, time, cancellationToken);

        var holders = await HoldAsync(kind, count, system, cancellationToken);
        var (beside, cost) = await MeasureAsync(system, time, cancellationToken);
        await ReleaseAsync(holders, cancellationToken);

        ComparisonTable.Write(alone, costAlone, beside, cost);
        var running = !system.Api.Process.Exited.IsCompleted;
        Console.WriteLine(running ? "the API is running" : $"the API ended:\n{system.Api.Process.Output}");
        return running && beside.Failed.Count == 0 ? 0 : 1;
    }

    private static async Task<(HonestFigures, Attacks.ProcessFigures)> MeasureAsync(
        AttackedSystem system, TimeSpan time, CancellationToken cancellationToken)
    {
        await using var watch = new ProcessWatch(system.Api.Process.Id);
        system.Honest.Start();
        await Task.Delay(time, TimeProvider.System, cancellationToken);
        return (await system.Honest.StopAsync(), await watch.StopAsync());
    }

    private static async Task<List<TestProcess>> HoldAsync(
        HoldKind kind, int count, AttackedSystem system, CancellationToken cancellationToken)
    {
        var holders = new List<TestProcess>();
        for (var left = count; left > 0; left -= ConnectionsPerProcess)
        {
            holders.Add(await TestProcess.StartAsync(new ProcessSpec(
                BuiltProgram.Of("Sendcat.Attacks"), "hold", kind.ToString(), "--target", system.Api.Address.ToString(), "--net",
                (FirstNet + holders.Count).ToString(CultureInfo.InvariantCulture),
                "--count", Math.Min(left, ConnectionsPerProcess).ToString(CultureInfo.InvariantCulture))));
        }

        foreach (var holder in holders)
        {
            Console.WriteLine(await holder.WaitForLineAsync(
                line => line.StartsWith(HoldCommand.Ready, StringComparison.Ordinal), OpenTimeout).WaitAsync(cancellationToken));
        }

        return holders;
    }

    private static async Task ReleaseAsync(List<TestProcess> holders, CancellationToken cancellationToken)
    {
        foreach (var holder in holders)
        {
            await using (holder)
            {
                holder.CloseInput();
                await holder.Exited.WaitAsync(cancellationToken);
                Console.WriteLine(holder.Output.Split('\n')[^1]);
            }
        }
    }
}
