using System.CommandLine;
using System.Globalization;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Targets;
using Sendcat.TestKit.Processes;
using Spectre.Console;

namespace Sendcat.Benchmarks.Chat;

/// <summary>
/// Measures what Sendcat adds to a stream. One run measures the direct call, bare proxies and Sendcat alternately, so that all of them run
/// on the machine in the same state.
/// </summary>
internal static class ChatBenchmark
{
    private const int Pieces = 20;
    private static readonly TimeSpan PieceInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// The pause before a measurement, so that work of the preparation (JIT compilation, writes of the stores) is not measured.
    /// </summary>
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(2);

    public static Command Command()
    {
        var rounds = new Option<int>("--rounds")
        {
            Description = "measured rounds, after the warm-up rounds",
            DefaultValueFactory = _ => 3,
        };
        var warmup = new Option<int>("--warmup")
        {
            Description = "warm-up rounds; with fewer than three the JIT compiler still runs during the measurement",
            DefaultValueFactory = _ => 3,
        };
        var concurrency = new Option<int[]>("--concurrency")
        {
            Description = "concurrent streams",
            DefaultValueFactory = _ => [1, 64, 512],
            AllowMultipleArgumentsPerToken = true,
        };
        var streams = new Option<int>("--streams")
        {
            Description = "streams per target and round at the highest concurrency; fewer at lower concurrencies",
            DefaultValueFactory = _ => 1536,
        };
        var targets = new Option<string[]>("--targets")
        {
            Description = "the targets to compare; direct is always measured",
            DefaultValueFactory = _ => ["direct", "yarp", "copy", "sendcat"],
            AllowMultipleArgumentsPerToken = true,
        };
        var burst = new Option<bool>("--burst")
        {
            Description = "all streams start at the same time instead of spread over the length of one stream",
        };
        var settings = new Option<string[]>("--api-env")
        {
            Description = "NAME=VALUE for the API; may be repeated",
            DefaultValueFactory = _ => [],
        };
        var command = new Command("chat", "Time to first token, relay delay, CPU and throughput of direct, YARP, a copy loop and Sendcat.")
        {
            rounds,
            warmup,
            concurrency,
            streams,
            targets,
            burst,
            settings,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            new ChatOptions(
                parsed.GetValue(rounds), parsed.GetValue(warmup), parsed.GetRequiredValue(concurrency), parsed.GetValue(streams),
                parsed.GetRequiredValue(targets), parsed.GetValue(burst), parsed.GetRequiredValue(settings)),
            TimeProvider.System,
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ChatOptions options, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        await using var targets = await ChatTargets.StartAsync(options, cancellationToken);
        using var client = new LoadClient();
        var load = new StreamLoad(client, clock);
        var table = new ChatTable(options);

        for (var round = 1 - options.Warmup; round <= options.Rounds; round++)
        {
            foreach (var shape in Shapes(options))
            {
                foreach (var target in targets.OfRound(round + options.Warmup))
                {
                    var turns = await target.PrepareAsync(shape.Plan, shape.Prompt, cancellationToken);
                    await Task.Delay(SettleTime, clock, cancellationToken);
                    AnsiConsole.MarkupLineInterpolated(
                        CultureInfo.InvariantCulture, $"[grey]round {round} of {options.Rounds}: {target.Name}, {shape.Name}[/]");
                    var cpu = target.ProcessId is { } processId ? ProcessCost.CpuSeconds(processId) : 0;
                    var stores = target.StoreProcessIds.Sum(ProcessCost.CpuSeconds);
                    var figures = await load.RunAsync(shape.Plan, turns, cancellationToken);
                    if (round > 0)
                    {
                        table.Add(
                            shape,
                            target.Name,
                            figures,
                            target.ProcessId is { } measured ? ProcessCost.CpuSeconds(measured) - cpu : 0,
                            target.StoreProcessIds.Sum(ProcessCost.CpuSeconds) - stores);
                    }
                }
            }
        }

        table.Print();
        await Report.WriteAsync("chat", options, table.Results(), clock);
        return table.Failures == 0 ? 0 : 1;
    }

    private static IEnumerable<ChatShape> Shapes(ChatOptions options)
    {
        var highest = options.Concurrency.Max();
        const int maxStreamsPerSlot = 12; // one after the other, about 1 s each
        foreach (var concurrency in options.Concurrency.Order())
        {
            var streamsPerSlot = Math.Clamp(
                (int)(options.Streams * Math.Sqrt((double)concurrency / highest)) / concurrency, 1, maxStreamsPerSlot);
            yield return new(
                string.Create(CultureInfo.InvariantCulture, $"{concurrency} paced"),
                Paced: true,
                new LoadPlan(streamsPerSlot * concurrency, concurrency, options.Burst ? TimeSpan.Zero : Pieces * PieceInterval, Pieces),
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Say something. [[emu chunks={Pieces} every={PieceInterval.TotalMilliseconds}ms stamp]]"));
        }

        yield return new(
            "64 unpaced",
            Paced: false,
            new LoadPlan(Math.Max(1, options.Streams / 16) * 64, 64, TimeSpan.Zero, Pieces),
            string.Create(CultureInfo.InvariantCulture, $"Say something. [[emu chunks={Pieces} every=0 stamp]]"));
    }
}

internal sealed record ChatOptions(int Rounds, int Warmup, int[] Concurrency, int Streams, string[] Targets, bool Burst, string[] Settings);

/// <summary>A kind of load.</summary>
/// <param name="Name">The name in the table.</param>
/// <param name="Paced">True: pieces at a fixed interval; false: pieces without a pause, to measure streams per second.</param>
/// <param name="Plan">The number and concurrency of the streams.</param>
/// <param name="Prompt">The text of the message, with the markers of the emulator.</param>
internal sealed record ChatShape(string Name, bool Paced, LoadPlan Plan, string Prompt);
