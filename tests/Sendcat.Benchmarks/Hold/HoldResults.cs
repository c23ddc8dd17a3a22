using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Sendcat.TestKit.Processes;
using Spectre.Console;

namespace Sendcat.Benchmarks.Hold;

/// <summary>Memory of a process, in bytes.</summary>
internal sealed record Memory(long Anonymous, long Resident)
{
    public static Memory Of(int processId) => new(ProcessCost.AnonymousBytes(processId), ProcessCost.ResidentBytes(processId));

    public Memory OrMore(Memory other) => new(Math.Max(Anonymous, other.Anonymous), Math.Max(Resident, other.Resident));
}

/// <param name="ApiCores">Cores that the API kept busy, on average.</param>
/// <param name="KibPerStream">Anonymous memory of the API at its peak over that at warm idle, per stream: heap, stacks and native, garbage not yet collected included.</param>
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

    public static HoldResults Of(HoldOptions options, LoadFigures figures, double cores, Memory idle, Memory most, Memory after) => new(
        figures.Streams,
        figures.Failures.Count,
        figures.FirstToken.Ms(50),
        figures.FirstToken.Ms(95),
        figures.FirstToken.Ms(99),
        figures.Relay.Ms(50),
        figures.Relay.Ms(99),
        Math.Round(cores, 3),
        Math.Round(idle.Anonymous / MiB, 1),
        Math.Round(most.Anonymous / MiB, 1),
        Math.Round(after.Anonymous / MiB, 1),
        Math.Round(most.Resident / MiB, 1),
        Math.Round((most.Anonymous - idle.Anonymous) / 1024.0 / options.Streams, 1));

    public void Print()
    {
        var table = new Table().Border(TableBorder.Markdown).AddColumn("").AddColumn(new TableColumn("held open").RightAligned());
        table.AddRow("complete", Units.Text(Complete)).AddRow("failed", Units.Text(Failed));
        table.AddRow("first token p50 / p95 / p99 ms", $"{Units.Text(FirstTokenP50Ms)} / {Units.Text(FirstTokenP95Ms)} / {Units.Text(FirstTokenP99Ms)}");
        table.AddRow("relay p50 / p99 ms", $"{Units.Text(RelayP50Ms)} / {Units.Text(RelayP99Ms)}");
        table.AddRow("cores of the API", Units.Text(ApiCores));
        table.AddRow("memory idle / peak / after MiB", $"{Units.Text(IdleMiB)} / {Units.Text(PeakMiB)} / {Units.Text(AfterMiB)}");
        table.AddRow("resident peak MiB", Units.Text(ResidentPeakMiB)).AddRow("KiB per stream", Units.Text(KibPerStream));
        AnsiConsole.Write(table);
    }
}
