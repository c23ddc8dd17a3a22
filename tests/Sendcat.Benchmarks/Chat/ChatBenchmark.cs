using System.CommandLine;
using System.Globalization;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Stage;
using Sendcat.TestKit.Processes;
using Spectre.Console;

namespace Sendcat.Benchmarks.Chat;

/// <summary>What Sendcat adds to a stream: direct, bare proxies and Sendcat in turns within one run, so that all of them meet the same machine in the same mood.</summary>
internal static class ChatBenchmark
{
    private const int Pieces = 20;
    private static readonly TimeSpan Apart = TimeSpan.FromMilliseconds(50);

    // What preparing left to do (the compiler's queue, the stores' writing) is not the streams' cost.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    public static Command Command()
    {
        var rounds = new Option<int>("--rounds") { Description = "measured rounds, after those that warm up", DefaultValueFactory = _ => 3 };
        var warmup = new Option<int>("--warmup") { Description = "rounds that warm up; with fewer than three the runtime still compiles while it is measured", DefaultValueFactory = _ => 3 };
        var concurrency = new Option<int[]>("--concurrency") { Description = "streams at once", DefaultValueFactory = _ => [1, 64, 512], AllowMultipleArgumentsPerToken = true };
        var streams = new Option<int>("--streams") { Description = "streams per target and round at the highest concurrency; fewer below it", DefaultValueFactory = _ => 1536 };
        var targets = new Option<string[]>("--targets") { Description = "which to compare, direct always among them", DefaultValueFactory = _ => ["direct", "yarp", "copy", "sendcat"], AllowMultipleArgumentsPerToken = true };
        var burst = new Option<bool>("--burst") { Description = "all streams start in the same moment instead of spread over one stream's length" };
        var settings = new Option<string[]>("--api-env") { Description = "NAME=VALUE for the API; may be repeated", DefaultValueFactory = _ => [] };
        var command = new Command("chat", "Time to first token, relay delay, CPU and throughput of direct, YARP, a copy loop and Sendcat.") { rounds, warmup, concurrency, streams, targets, burst, settings };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            new ChatOptions(
                parsed.GetValue(rounds), parsed.GetValue(warmup), parsed.GetRequiredValue(concurrency), parsed.GetValue(streams), parsed.GetRequiredValue(targets), parsed.GetValue(burst), parsed.GetRequiredValue(settings)),
            TimeProvider.System,
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ChatOptions options, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        await using var stage = await ChatStage.StartAsync(options, cancellationToken);
        using var client = new LoadClient();
        var load = new StreamLoad(client, clock);
        var table = new ChatTable(options);

        for (var round = 1 - options.Warmup; round <= options.Rounds; round++)
        {
            foreach (var shape in Shapes(options))
            {
                foreach (var target in stage.TargetsOf(round + options.Warmup))
                {
                    var turns = await target.PrepareAsync(shape.Plan, shape.Prompt, cancellationToken);
                    await Task.Delay(Settling, clock, cancellationToken);
                    AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[grey]round {round} of {options.Rounds}: {target.Name}, {shape.Name}[/]");
                    var cpu = target.ProcessId is { } middle ? ProcessCost.CpuSeconds(middle) : 0;
                    var stores = target.StoreProcessIds.Sum(ProcessCost.CpuSeconds);
                    var figures = await load.RunAsync(shape.Plan, turns, cancellationToken);
                    if (round > 0)
                    {
                        table.Add(
                            shape,
                            target.Name,
                            figures,
                            target.ProcessId is { } still ? ProcessCost.CpuSeconds(still) - cpu : 0,
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
        var most = options.Concurrency.Max();
        const int longest = 12; // streams one after the other, which take a second each
        foreach (var concurrency in options.Concurrency.Order())
        {
            var each = Math.Clamp((int)(options.Streams * Math.Sqrt((double)concurrency / most)) / concurrency, 1, longest);
            yield return new(
                string.Create(CultureInfo.InvariantCulture, $"{concurrency} paced"),
                Paced: true,
                new LoadPlan(each * concurrency, concurrency, options.Burst ? TimeSpan.Zero : Pieces * Apart, Pieces),
                string.Create(CultureInfo.InvariantCulture, $"Say something. [[emu chunks={Pieces} every={Apart.TotalMilliseconds}ms stamp]]"));
        }

        yield return new(
            "64 unpaced",
            Paced: false,
            new LoadPlan(Math.Max(1, options.Streams / 16) * 64, 64, TimeSpan.Zero, Pieces),
            string.Create(CultureInfo.InvariantCulture, $"Say something. [[emu chunks={Pieces} every=0 stamp]]"));
    }
}

internal sealed record ChatOptions(int Rounds, int Warmup, int[] Concurrency, int Streams, string[] Targets, bool Burst, string[] Settings);

/// <param name="Paced">False: as fast as it goes; then streams per second is what counts.</param>
internal sealed record ChatShape(string Name, bool Paced, LoadPlan Plan, string Prompt);
