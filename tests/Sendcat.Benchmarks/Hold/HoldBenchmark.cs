using System.CommandLine;
using System.Globalization;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Targets;
using Sendcat.TestKit.Processes;
using Spectre.Console;

namespace Sendcat.Benchmarks.Hold;

/// <summary>Holds many streams open in one API process: checks that all are complete, and measures the memory per stream.</summary>
internal static class HoldBenchmark
{
    private const int MaxDescriptors = 20_000;
    private static readonly TimeSpan PieceInterval = TimeSpan.FromSeconds(2);

    public static Command Command()
    {
        var streams = new Option<int>("--streams") { Description = "concurrent streams", DefaultValueFactory = _ => 1000 };
        var minutes = new Option<double>("--minutes") { Description = "length of a stream", DefaultValueFactory = _ => 5 };
        var ramp = new Option<int>("--ramp") { Description = "seconds over which the starts are spread", DefaultValueFactory = _ => 20 };
        var settings = new Option<string[]>("--api-env")
        {
            Description = "NAME=VALUE for the API; may be repeated",
            DefaultValueFactory = _ => [],
        };
        var command = new Command("hold", "Holds streams open, one piece per 2 s each.") { streams, minutes, ramp, settings };
        command.Validators.Add(result =>
        {
            if (result.GetValue(streams) is < 1 or > MaxDescriptors - 500)
            {
                result.AddError($"--streams: 1 … {MaxDescriptors - 500}, because the client needs one file descriptor for each.");
            }
        });
        command.SetAction((parsed, cancellationToken) => RunAsync(
            new HoldOptions(parsed.GetValue(streams), parsed.GetValue(minutes), parsed.GetValue(ramp), parsed.GetRequiredValue(settings)),
            TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(HoldOptions options, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        await using var emulator = await Emulator.StartAsync();
        await using var api = await SendcatApi.StartAsync(emulator.Http1, options.Settings, cancellationToken);
        using var target = new SendcatTarget(api);
        using var client = new LoadClient();
        var load = new StreamLoad(client, clock);

        // Warm-up: the memory that a process needs once (code, pools) must not count as memory of the streams.
        var warmUp = new LoadPlan(500, 50, TimeSpan.Zero, Pieces: 20);
        await load.RunAsync(
            warmUp, await target.PrepareAsync(warmUp, "Say something. [[emu chunks=20 every=10ms stamp]]", cancellationToken),
            cancellationToken);

        var pieces = Math.Max(1, (int)(options.Minutes * 60 / PieceInterval.TotalSeconds));
        var plan = new LoadPlan(options.Streams, options.Streams, TimeSpan.FromSeconds(options.RampSeconds), pieces);
        var prompt = string.Create(
            CultureInfo.InvariantCulture, $"Say something. [[emu chunks={pieces} every={PieceInterval.TotalMilliseconds}ms stamp]]");
        var turns = await target.PrepareAsync(plan, prompt, cancellationToken);

        var (idle, cpu, began) = (Memory.Of(api.ProcessId), ProcessCost.CpuSeconds(api.ProcessId), clock.GetTimestamp());
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var peak = PeakAsync(api.ProcessId, clock, watching.Token);
        var figures = await load.RunAsync(plan, turns, cancellationToken);
        var cores = (ProcessCost.CpuSeconds(api.ProcessId) - cpu) / clock.GetElapsedTime(began).TotalSeconds;
        await watching.CancelAsync();

        var results = HoldResults.Of(options, figures, cores, idle, await peak, Memory.Of(api.ProcessId));
        results.Print();
        foreach (var failure in figures.Failures.Take(5))
        {
            AnsiConsole.MarkupLineInterpolated($"[red]{failure}[/]");
        }

        await Report.WriteAsync("hold", options, results, clock);
        return figures.Failures.IsEmpty ? 0 : 1;
    }

    private static async Task<Memory> PeakAsync(int processId, TimeProvider clock, CancellationToken cancellationToken)
    {
        var peak = Memory.Of(processId);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                peak = peak.Max(Memory.Of(processId));
            }
        }
        catch (OperationCanceledException)
        {
            // The run has ended.
        }

        return peak;
    }
}

internal sealed record HoldOptions(int Streams, double Minutes, int RampSeconds, string[] Settings);
