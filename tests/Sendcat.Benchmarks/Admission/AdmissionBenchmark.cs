using System.CommandLine;
using System.Globalization;
using Sendcat.Benchmarks.Measure;
using Spectre.Console;

namespace Sendcat.Benchmarks.Admission;

/// <summary>Measures the cost of an admission decision, and the goodput and refusals of admission under overload.</summary>
internal static class AdmissionBenchmark
{
    /// <summary>The slots under overload.</summary>
    private const int Cap = 64;

    /// <summary>How long a turn holds its slot.</summary>
    private static readonly TimeSpan Hold = TimeSpan.FromMilliseconds(100);

    /// <summary>The length of each overload measurement.</summary>
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(8);

    public static Command Command()
    {
        var decisions = new Option<int>("--decisions") { Description = "decisions per measurement", DefaultValueFactory = _ => 20_000 };
        var command = new Command("admission", "Admission decisions against Redis PING, refusals and goodput under overload.")
        {
            decisions,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(decisions), TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int decisions, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        await using var setup = await AdmissionSetup.StartAsync();
        var costs = new List<DecisionCost>();
        await using (var unlimited = await setup.StartHostAsync(cap: 100_000, cancellationToken))
        {
            await DecisionCost.MeasureAsync(unlimited, 16, decisions / 4, clock, cancellationToken); // warm-up
            foreach (var atOnce in new[] { 1, 16, 64 })
            {
                costs.Add(await DecisionCost.MeasureAsync(unlimited, atOnce, decisions, clock, cancellationToken));
            }
        }

        var overloads = new List<Overload>();
        await using (var limited = await setup.StartHostAsync(Cap, cancellationToken))
        {
            foreach (var times in new[] { 0.5, 1, 1.5, 3, 10 })
            {
                overloads.Add(await Overload.MeasureAsync(limited, Cap, Hold, times, Length, clock, cancellationToken));
            }
        }

        var peak = overloads.Max(load => load.Goodput);
        Print(costs, overloads, peak);
        await Report.WriteAsync(
            "admission", new { decisions, Cap, holdMs = Hold.TotalMilliseconds }, new { costs, overloads, peakGoodput = peak }, clock);
        return overloads.All(load => load.MostAtOnce <= Cap && load.LeftBehind == 0) && costs.All(cost => cost.Refused == 0) ? 0 : 1;
    }

    private static void Print(IEnumerable<DecisionCost> costs, IEnumerable<Overload> overloads, double peak)
    {
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 160);
        var cost = new Table()
            .Border(TableBorder.Markdown)
            .AddColumns("at once", "PING p50 ms", "PING p99 ms", "admit p50 ms", "admit p99 ms", "p50 ÷ PING", "p99 ÷ PING");
        foreach (var row in costs)
        {
            cost.AddRow([.. new[]
            {
                row.AtOnce, row.PingP50Ms, row.PingP99Ms, row.AdmitP50Ms, row.AdmitP99Ms, row.RatioP50, row.RatioP99,
            }.Select(Units.Text)]);
        }

        var overload = new Table()
            .Title(string.Create(CultureInfo.InvariantCulture, $"{Cap} slots, each held {Hold.TotalMilliseconds} ms"))
            .Border(TableBorder.Markdown)
            .AddColumns(
                "offered ×", "arrived/s", "goodput/s", "÷ peak", "refused", "refused p50 ms", "refused p99 ms", "admitted p99 ms",
                "most at once", "left");
        foreach (var row in overloads)
        {
            overload.AddRow([.. new[]
            {
                row.Times, row.ArrivedPerSecond, row.Goodput, ((double?)row.Goodput).Over(peak), row.Refused, row.RefusedP50Ms,
                row.RefusedP99Ms, row.AdmittedP99Ms, row.MostAtOnce, row.LeftBehind,
            }.Select(Units.Text)]);
        }

        AnsiConsole.Write(cost);
        AnsiConsole.Write(overload);
    }
}
