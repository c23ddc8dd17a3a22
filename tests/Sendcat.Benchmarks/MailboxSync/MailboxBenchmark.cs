using System.CommandLine;
using System.Globalization;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Targets;
using Sendcat.TestKit.Processes;
using Spectre.Console;

namespace Sendcat.Benchmarks.MailboxSync;

/// <summary>
/// Measures the first sync of a large mailbox: a user connects it, one worker reads it, and the progress is read from the API meanwhile.
/// Most mails are those of merchants; mails of small shops are read by the model.
/// </summary>
internal static class MailboxBenchmark
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>The samples of the emulator and their share of the mailbox (%).</summary>
    private static readonly (string Sample, int Share)[] Mix =
        [("amazon", 30), ("amazon-shipped", 20), ("shein", 14), ("newsletter", 26), ("shop", 5), ("letter", 5)];

    public static Command Command()
    {
        var mails = new Option<int>("--mails") { Description = "mails in the mailbox", DefaultValueFactory = _ => 5_000 };
        var settings = new Option<string[]>("--set")
        {
            Description = "NAME=VALUE for the API and the worker", DefaultValueFactory = _ => [], AllowMultipleArgumentsPerToken = true,
        };
        var command = new Command("mailbox", "The first sync of a large mailbox: time, model calls, memory of the worker.")
        {
            mails, settings,
        };
        command.SetAction((parsed, cancellationToken) =>
            RunAsync(parsed.GetValue(mails), parsed.GetValue(settings)!, TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int mails, string[] settings, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        await using var emulator = await Emulator.StartAsync();
        await using var api = await SendcatApi.StartAsync(
            emulator.Http1, [.. MailboxUser.Settings(emulator.Http1), .. settings], cancellationToken);
        var environment = new Dictionary<string, string?>(api.Environment)
        {
            ["ASPNETCORE_URLS"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Next()}/"),
        };
        await using var worker = await TestProcess.StartAsync(
            new ProcessSpec(Checkout.Executable("Sendcat.ToolWorker")) { Environment = environment });
        await worker.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        using var user = new MailboxUser(api.Address, emulator.Http1);
        foreach (var (sample, share) in Mix)
        {
            await user.DeliverAsync(sample, mails * share / 100, cancellationToken);
        }

        await user.SignInAsync(cancellationToken);
        var (idle, cpu, began) = (ProcessCost.ResidentBytes(worker.Id), ProcessCost.CpuSeconds(worker.Id), clock.GetTimestamp());
        await user.ConnectAsync(cancellationToken);
        var (peak, steps) = (idle, new HashSet<int>());
        MailboxProgress progress;
        do
        {
            await Task.Delay(PollInterval, clock, cancellationToken);
            progress = await user.ProgressAsync(cancellationToken);
            peak = Math.Max(peak, ProcessCost.ResidentBytes(worker.Id));
            steps.Add(progress.Processed);
        }
        while (progress.State is "none" or "queued" or "running");

        var seconds = clock.GetElapsedTime(began).TotalSeconds;
        var result = new MailboxFigures(
            mails, progress.State, progress.Total, progress.Processed, progress.Failed, progress.ModelCalls, progress.DraftsCreated,
            steps.Count, Math.Round(seconds, 1),
            Math.Round((ProcessCost.CpuSeconds(worker.Id) - cpu) / Math.Max(1, progress.Processed) * 1_000, 2),
            Mib(idle), Mib(peak));
        Write(result);
        await Report.WriteAsync("mailbox", new { mails, settings }, result, clock);
        return result is { State: "completed", Failed: 0 } && result.Read == result.Listed && result.ProgressSteps > 2 ? 0 : 1;
    }

    private static void Write(MailboxFigures figures)
    {
        var table = new Table().AddColumns("", "");
        table.AddRow("mails, listed, read, failed", $"{figures.Mails}, {figures.Listed}, {figures.Read}, {figures.Failed}");
        table.AddRow("state", figures.State).AddRow("time", $"{Units.Text(figures.Seconds)} s");
        table.AddRow("model calls", $"{figures.ModelCalls}").AddRow("drafts", $"{figures.Drafts}");
        table.AddRow("CPU-s of the worker per 1 000 mails", Units.Text(figures.CpuSecondsPer1000));
        table.AddRow("worker idle / peak MiB", $"{figures.IdleMiB} / {figures.PeakMiB}");
        table.AddRow("steps of the progress seen", $"{figures.ProgressSteps}");
        AnsiConsole.Write(table);
    }

    private static long Mib(long bytes) => bytes / (1024 * 1024);
}

/// <summary>The result of a run.</summary>
/// <param name="Mails">Mails in the mailbox.</param>
/// <param name="State">The state in which the sync ended.</param>
/// <param name="Listed">Mails that the sync had to read. Private mails beyond the newest 500 are not listed.</param>
/// <param name="Read">Mails that were read.</param>
/// <param name="Failed">Mails that could not be read.</param>
/// <param name="ModelCalls">Calls of the model.</param>
/// <param name="Drafts">Drafts that were created.</param>
/// <param name="ProgressSteps">Different numbers of read mails that the API reported meanwhile.</param>
/// <param name="Seconds">From the connection of the mailbox to the end of the sync.</param>
/// <param name="CpuSecondsPer1000">Of the worker's process, per 1 000 mails that were read.</param>
/// <param name="IdleMiB">Resident memory of the worker before.</param>
/// <param name="PeakMiB">The highest resident memory of the worker.</param>
internal sealed record MailboxFigures(
    int Mails, string State, int Listed, int Read, int Failed, int ModelCalls, int Drafts, int ProgressSteps, double Seconds,
    double CpuSecondsPer1000, long IdleMiB, long PeakMiB);
