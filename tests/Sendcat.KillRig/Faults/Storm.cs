using System.Collections.Concurrent;
using Sendcat.KillRig.Rig;
using Sendcat.KillRig.Upstream;
using Sendcat.KillRig.Verdict;

namespace Sendcat.KillRig.Faults;

/// <summary>Injects the faults of a plan and records what happened and when.</summary>
internal sealed class Storm(Stage stage, RigOptions options, TimeProvider time, TextWriter log)
{
    private const int MaxRepeats = 3;

    private static readonly TimeSpan QuietTime = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentQueue<Happening> happenings = [];

    public IReadOnlyList<Happening> Happenings => [.. happenings];

    public async Task RageAsync(CancellationToken cancellationToken)
    {
        var (began, done) = (time.GetTimestamp(), 0);
        var pending = new List<Task>();
        foreach (var fault in FaultPlan.Of(options.Seed, options.Workers, options.Submitters, options.Replicas, options.Lease))
        {
            if (done++ >= FaultPlan.Essential.Count && time.GetElapsedTime(began) >= options.Length)
            {
                break;
            }

            await Task.Delay(fault.Gap, time, cancellationToken);
            if (fault.Watched)
            {
                await Task.WhenAll(pending);
                await Task.Delay(QuietTime, time, cancellationToken);
            }

            var injected = InjectAsync(fault, cancellationToken);
            pending.Add(injected);
            if (!fault.Overlaps)
            {
                await Task.WhenAll(pending);
                pending.Clear();
            }

            if (fault.Watched)
            {
                await Task.Delay(options.Lease + options.RescueSlack, time, cancellationToken);
            }
        }

        await Task.WhenAll(pending);
        for (var repeat = 0; repeat < MaxRepeats && !await RescueWasSeenAsync(cancellationToken); repeat++)
        {
            // The victim ended its job just before the kill, or a poisonous job killed another worker before the job had to run again.
            await Task.Delay(QuietTime, time, cancellationToken);
            await InjectAsync(new(Victim.Worker, repeat % options.Workers, Harm.Killed, Gap: TimeSpan.Zero, Hold: TimeSpan.Zero, Overlaps: false, Watched: true, AtWork: true), cancellationToken);
            await Task.Delay(options.Lease + options.RescueSlack, time, cancellationToken);
        }
    }

    /// <summary>Whether a killed worker had a job, and no other fault was active until the job had to run again.</summary>
    private async Task<bool> RescueWasSeenAsync(CancellationToken cancellationToken) =>
        Rescues.In(Happenings, await Audit.ClaimsAsync(stage.Database, cancellationToken), await Audit.EndsAsync(stage.Database, cancellationToken), options).Count > 0;

    /// <summary>Kills every worker that runs a poisonous job, until the upstream ends.</summary>
    public async Task PoisonAsync(UpstreamProcess upstream)
    {
        for (var dose = 1; await upstream.PoisonedAsync(dose) is { } worker; dose++)
        {
            var blow = await stage.Workers[worker].KillAsync();
            await stage.Workers[worker].StartAsync();
            AddHappening(Victim.Worker, worker, Harm.Poisoned, blow);
        }
    }

    private async Task InjectAsync(Fault fault, CancellationToken cancellationToken)
    {
        var blow = new Blow(0, time.GetUtcNow());
        switch (fault.Harm)
        {
            case Harm.Killed:
                if (fault.AtWork)
                {
                    await stage.UntilBusyAsync(stage.Workers[fault.Index], cancellationToken);
                }

                blow = await stage.VictimOf(fault).KillAsync();
                await Task.Delay(fault.Hold, time, cancellationToken);
                await stage.VictimOf(fault).StartAsync();
                break;
            case Harm.Stopped:
                blow = await stage.VictimOf(fault).StopAsync(fault.Hold, cancellationToken);
                break;
            case Harm.Restarted:
                blow = await stage.VictimOf(fault).RestartAsync();
                break;
            default:
                await stage.DeleteQueuesAsync(cancellationToken);
                break;
        }

        AddHappening(fault.Victim, fault.Index, fault.Harm, blow, fault.Watched);
    }

    private void AddHappening(Victim victim, int index, Harm harm, Blow blow, bool watched = false)
    {
        var happening = new Happening(victim, index, harm, blow.ProcessId, blow.At, time.GetUtcNow(), watched);
        happenings.Enqueue(happening);
        log.WriteLine($"{happening.From:HH:mm:ss.fff} {victim} {index} {harm}, back after {(happening.Until - happening.From).TotalSeconds:0.0} s");
    }
}
