using System.Globalization;
using Npgsql;
using Sendcat.KillRig.Chatting;
using Sendcat.KillRig.Delivering;
using Sendcat.KillRig.Faults;
using Sendcat.KillRig.Ledger;
using Sendcat.KillRig.Verdict;
using Sendcat.TestKit.Processes;

namespace Sendcat.KillRig.Rig;

/// <summary>One run: start all processes, submit jobs, inject faults, wait for the remaining jobs, and check the conditions.</summary>
internal static class KillRun
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>Runs the rig and prints the report. The report, the ledgers and the logs stay under <c>.output/kill-rig/</c>.</summary>
    /// <returns>0: all conditions hold; 1: at least one does not; 2: too few events to decide, or the rig itself failed.</returns>
    public static async Task<int> RunAndReportAsync(RigOptions options, TextWriter output, CancellationToken cancellationToken)
    {
        try
        {
            var report = await RunAsync(options, TimeProvider.System, output, cancellationToken);
            await output.WriteLineAsync(report.ToMarkdown());
            return report.Verdict switch { "pass" => 0, "fail" => 1, _ => 2 };
        }
        catch (Exception exception) when (
            exception is InvalidOperationException or IOException or NpgsqlException or TimeoutException or MissingServerException)
        {
            await output.WriteLineAsync($"The rig could not complete its run: {exception}");
            return 2;
        }
    }

    /// <exception cref="MissingServerException">A server program of a store is not installed.</exception>
    public static async Task<RigReport> RunAsync(
        RigOptions options, TimeProvider time, TextWriter output, CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        var folder = Path.Combine(
            BuiltProgram.Root, ".output", "kill-rig",
            string.Create(CultureInfo.InvariantCulture, $"{began:yyyyMMdd'T'HHmmss'Z'}-{options.Seed}"));
        Directory.CreateDirectory(folder);
        var log = TextWriter.Synchronized(output);
        await log.WriteLineAsync($"seed {options.Seed}, report, ledgers and logs in {Path.GetRelativePath(BuiltProgram.Root, folder)}");

        using var stalls = new MachineStalls(time);
        await using var processes = await RigProcesses.StartAsync(options, folder, time, cancellationToken);
        var injector = new FaultInjector(processes, options, time, log);
        var poisoning = injector.KillPoisonedWorkersAsync(processes.Upstream);
        await Task.Delay(WarmUp, time, cancellationToken);
        await injector.RunAsync(cancellationToken);
        await Task.WhenAll([
            .. processes.Submitters.Select(submitter => submitter.StopAsync()), processes.Users.StopAsync(),
            processes.Meta.Deliveries.StopAsync(), processes.Google.Deliveries.StopAsync(),
        ]);
        await log.WriteLineAsync($"{time.GetUtcNow():HH:mm:ss.fff} no more faults, no more requests");
        var drainTime = await DrainAsync(processes.Database, options.DrainPatience, time, cancellationToken);
        await Task.WhenAll(processes.Workers.Select(worker => worker.StopAsync()));
        var leftovers = await TurnLeftovers.WaitUntilNoneAsync(
            options.TurnPatience, processes.Database, processes.Redis, time, cancellationToken);
        await Audit.SaveAsync(processes.Database, folder, cancellationToken);
        var messages = await MessageEffects.ReadAsync(
            processes.Meta.Deliveries, processes.Database, processes.Upstreams, cancellationToken);
        var mails = await MailEffects.ReadAsync(processes.Google.Deliveries, processes.Database, cancellationToken);
        await processes.Upstream.DisposeAsync();
        await poisoning;

        var evidence = new Evidence
        {
            Turns = TurnRecord.Read(Directory.EnumerateFiles(folder, "submitter-*.ledger")),
            Executions = ExecutionRecord.Read([Path.Combine(folder, "upstream.ledger")]),
            Jobs = await Audit.JobsAsync(processes.Database, cancellationToken),
            JobLeases = await Audit.JobLeasesAsync(processes.Database, cancellationToken),
            Requeues = await Audit.RequeuesAsync(processes.Database, cancellationToken),
            Ends = await Audit.EndsAsync(processes.Database, cancellationToken),
            InjectedFaults = injector.InjectedFaults,
            Stalls = stalls.All,
            UnexpectedExits = [.. processes.UnexpectedExits],
            ChatEnds = processes.Users.Ends,
            Leftovers = leftovers,
            Messages = messages,
            Mails = mails,
            DrainTime = drainTime,
        };
        var report = new RigReport(options, began, time.GetUtcNow() - began, evidence, Conditions.Evaluate(evidence, options));
        await report.WriteAsync(folder);
        return report;
    }

    /// <returns>The time until no job was left; null: jobs were left after the timeout.</returns>
    private static async Task<TimeSpan?> DrainAsync(
        NpgsqlDataSource database, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (await Audit.RemainingAsync(database, cancellationToken) is not (0, 0))
        {
            if (time.GetElapsedTime(began) > timeout)
            {
                return null;
            }

            await Task.Delay(PollInterval, time, cancellationToken);
        }

        return time.GetElapsedTime(began);
    }
}
