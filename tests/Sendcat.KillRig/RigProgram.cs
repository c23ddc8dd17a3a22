using System.CommandLine;
using Sendcat.KillRig.Freezing;
using Sendcat.KillRig.Incidents;
using Sendcat.KillRig.Rig;
using Sendcat.KillRig.Submitting;
using Sendcat.KillRig.Upstream;

namespace Sendcat.KillRig;

/// <summary>
/// The entry point: <c>dotnet run -c Release --project tests/Sendcat.KillRig -- --minutes 5 --seed 42</c>. docs/tool-jobs.md describes the
/// conditions that a run checks. Exit code 0: all conditions hold; 1: at least one does not; 2: too few events to decide.
/// </summary>
internal static class RigProgram
{
    private static Task<int> Main(string[] args)
    {
        var minutes = new Option<double>("--minutes") { Description = "how long faults are injected", DefaultValueFactory = _ => 5 };
        var seed = new Option<int?>("--seed") { Description = "repeats the faults of an earlier run" };
        var rate = new Option<int>("--rate")
        {
            Description = "jobs requested per second, all submitters together",
            DefaultValueFactory = _ => 100,
        };
        var workers = new Option<int>("--workers") { Description = "worker processes", DefaultValueFactory = _ => 2 };
        var submitters = new Option<int>("--submitters") { Description = "submitter processes", DefaultValueFactory = _ => 3 };
        var published = new Option<bool>("--published")
        {
            Description = "runs the published API and workers (dotnet publish -c Release of both projects), as a deployment does",
        };
        var root = new RootCommand("Kills, pauses and restarts all processes that tool jobs depend on, and checks the outcome of each job.")
        {
            minutes, seed, rate, workers, submitters, published, FreezeRun.Command(), IncidentRun.Command(), SubmitterProgram.Command(),
            UpstreamProgram.Command(),
        };
        root.SetAction((parsed, cancellationToken) => KillRun.RunAndReportAsync(
            new()
            {
                Length = TimeSpan.FromMinutes(parsed.GetValue(minutes)),
                Seed = parsed.GetValue(seed) ?? Random.Shared.Next(),
                Rate = parsed.GetValue(rate),
                Workers = parsed.GetValue(workers),
                Submitters = parsed.GetValue(submitters),
                Published = parsed.GetValue(published),
            },
            Console.Out,
            cancellationToken));
        return root.Parse(args).InvokeAsync();
    }
}
