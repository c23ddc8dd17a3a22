using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Sendcat.TestKit.Processes;
using Spectre.Console;

namespace Sendcat.Benchmarks.Hold;

/// <summary>The memory of a process (bytes).</summary>
internal sealed record Memory(long Anonymous, long Resident)
{
    public static Memory Of(int processId) => new(ProcessCost.AnonymousBytes(processId), ProcessCost.ResidentBytes(processId));

    /// <summary>The larger of each value.</summary>
    public Memory Max(Memory other) => new(Math.Max(Anonymous, other.Anonymous), Math.Max(Resident, other.Resident));
}

/// <summary>The result of a run.</summary>
/// <param name="Complete">The number of complete streams.</param>
/// <param name="Failed">The number of other streams.</param>
/// <param name="FirstTokenP50Ms">The median time to the first piece of text (ms).</param>
/// <param name="FirstTokenP95Ms">The 95th percentile of the time to the first piece of text (ms).</param>
/// <param name="FirstTokenP99Ms">The 99th percentile of the time to the first piece of text (ms).</param>
/// <param name="RelayP50Ms">The median time of a piece from the emulator to the client (ms).</param>
/// <param name="RelayP99Ms">The 99th percentile of the time of a piece from the emulator to the client (ms).</param>
/// <param name="ApiCores">The average number of cores that the API used.</param>
/// <param name="IdleMiB">The anonymous memory of the API when idle after the warm-up.</param>
/// <param name="PeakMiB">The highest anonymous memory of the API.</param>
/// <param name="AfterMiB">The anonymous memory of the API after the run.</param>
/// <param name="ResidentPeakMiB">The highest resident memory of the API.</param>
/// <param name="KibPerStream">
/// The anonymous memory of the API at its peak minus that when idle after the warm-up, per stream: heap, stacks and native memory, with
/// garbage that was not collected yet.
/// </param>
internal sealed record HoldResults(
    int Complete,
    int Failed,
    double? FirstTokenP50Ms,
    double? FirstTokenP95Ms,
    double? FirstTokenP99Ms,
    double? RelayP50Ms,
    double? RelayP99Ms,
    double ApiCores,
    double IdleMiB,
    double PeakMiB,
    double AfterMiB,
    double ResidentPeakMiB,
    double KibPerStream)
{
    private const double MiB = 1024 * 1024;

    public static HoldResults Of(HoldOptions options, LoadFigures figures, double cores, Memory idle, Memory peak, Memory after) => new(
        figures.Streams,
        figures.Failures.Count,
        figures.FirstToken.Ms(50),
        figures.FirstToken.Ms(95),
        figures.FirstToken.Ms(99),
        figures.Relay.Ms(50),
        figures.Relay.Ms(99),
        Math.Round(cores, 3),
        Math.Round(idle.Anonymous / MiB, 1),
        Math.Round(peak.Anonymous / MiB, 1),
        Math.Round(after.Anonymous / MiB, 1),
        Math.Round(peak.Resident / MiB, 1),
        Math.Round((peak.Anonymous - idle.Anonymous) / 1024.0 / options.Streams, 1));

    public void Print()
    {
        var table = new Table().Border(TableBorder.Markdown).AddColumn("").AddColumn(new TableColumn("held open").RightAligned());
        table.AddRow("complete", Units.Text(Complete)).AddRow("failed", Units.Text(Failed));
        table.AddRow(
            "first token p50 / p95 / p99 ms",
            $"{Units.Text(FirstTokenP50Ms)} / {Units.Text(FirstTokenP95Ms)} / {Units.Text(FirstTokenP99Ms)}");
        table.AddRow("relay p50 / p99 ms", $"{Units.Text(RelayP50Ms)} / {Units.Text(RelayP99Ms)}");
        table.AddRow("cores of the API", Units.Text(ApiCores));
        table.AddRow("memory idle / peak / after MiB", $"{Units.Text(IdleMiB)} / {Units.Text(PeakMiB)} / {Units.Text(AfterMiB)}");
        table.AddRow("resident peak MiB", Units.Text(ResidentPeakMiB)).AddRow("KiB per stream", Units.Text(KibPerStream));
        AnsiConsole.Write(table);
    }
}
