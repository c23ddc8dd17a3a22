using System.Collections.Concurrent;
using Sendcat.KillRig.Rig;
using Sendcat.KillRig.Upstream;
using Sendcat.KillRig.Verdict;

namespace Sendcat.KillRig.Faults;

/// <summary>Injects the faults of a plan and records what happened and when.</summary>
internal sealed class FaultInjector(RigProcesses processes, RigOptions options, TimeProvider time, TextWriter log)
{
    private const int MaxRepeats = 3;

    private static readonly TimeSpan AcknowledgementTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan QuietTime = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentQueue<InjectedFault> _injectedFaults = [];

    /// <summary>The kills of workers that ran a poisonous job, with their restarts.</summary>
    private readonly ConcurrentQueue<Task> _poisonings = [];

    private int _killedReplicas;

    public IReadOnlyList<InjectedFault> InjectedFaults => [.. _injectedFaults];

    /// <summary>Injects faults for the length of the run, and more kills of workers until the recovery of a job was measured.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
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
                await Task.WhenAll([.. pending, .. _poisonings]);
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
        for (var repeat = 0; repeat < MaxRepeats && !await IsRecoveryMeasuredAsync(cancellationToken); repeat++)
        {
            // The victim ended its job just before the kill, or a poisonous job killed another worker before the job had to run again.
            await Task.WhenAll(_poisonings);
            await Task.Delay(QuietTime, time, cancellationToken);
            var kill = new Fault(
                Victim.Worker, repeat % options.Workers, Harm.Killed, Gap: TimeSpan.Zero, Hold: TimeSpan.Zero, Overlaps: false, Watched: true,
                WhileBusy: true);
            await InjectAsync(kill, cancellationToken);
            await Task.Delay(options.Lease + options.RescueSlack, time, cancellationToken);
        }
    }

    /// <summary>Whether a killed worker had a job, and no other fault was active until the job had to run again.</summary>
    private async Task<bool> IsRecoveryMeasuredAsync(CancellationToken cancellationToken)
    {
        // Only a fault that has ended is recorded.
        await Task.WhenAll(_poisonings);
        return Recoveries.In(
            InjectedFaults,
            await Audit.JobLeasesAsync(processes.Database, cancellationToken),
            requeues: [],
            await Audit.EndsAsync(processes.Database, cancellationToken),
            stalls: [],
            options).Count > 0;
    }

    /// <summary>
    /// Kills every worker process that runs a poisonous job, until the upstream ends. A kill does not wait for the restart after another
    /// one, because the request of a poisonous job times out after a few seconds, and its job would then fail instead of killing its worker.
    /// </summary>
    public async Task KillPoisonedWorkersAsync(UpstreamProcess upstream)
    {
        for (var number = 1; await upstream.WaitForPoisonAsync(number) is { } sender; number++)
        {
            _poisonings.Enqueue(KillPoisonedWorkerAsync(processes.Workers[sender.Worker], sender.Worker, sender.Start));
        }

        await Task.WhenAll(_poisonings);
    }

    private async Task KillPoisonedWorkerAsync(ProgramVictim worker, int index, int start)
    {
        // The process that has sent the request may have ended meanwhile: it ran two poisonous jobs, or another fault has killed it.
        if (await worker.KillAsync(start) is { } kill)
        {
            await worker.StartAsync();
            Add(Victim.Worker, index, Harm.Poisoned, kill);
        }
    }

    private async Task InjectAsync(Fault fault, CancellationToken cancellationToken)
    {
        var start = new FaultStart(0, time.GetUtcNow());
        switch (fault.Harm)
        {
            case Harm.Killed:
                if (fault.WhileBusy)
                {
                    await processes.WaitUntilBusyAsync(processes.Workers[fault.Index], cancellationToken);
                }

                if (fault.Victim is Victim.Api && options is { MessageRate: > 0, MailRate: > 0 })
                {
                    // The process dies right after it has acknowledged a delivery. A replica that is away or paused acknowledges none.
                    await Task.WhenAny(
                        NextAcknowledgementAsync(fault.Index), Task.Delay(AcknowledgementTimeout, time, cancellationToken));
                }

                start = await processes.VictimOf(fault).KillAsync();
                await Task.Delay(fault.Hold, time, cancellationToken);
                await processes.VictimOf(fault).StartAsync();
                break;
            case Harm.Paused:
                start = await processes.VictimOf(fault).PauseAsync(fault.Hold, cancellationToken);
                break;
            case Harm.Restarted:
                start = await processes.VictimOf(fault).RestartAsync();
                break;
            default:
                await processes.DeleteQueuesAsync(cancellationToken);
                break;
        }

        Add(fault.Victim, fault.Index, fault.Harm, start, fault.Watched);
    }

    /// <summary>The kills of replicas follow a notification about a mail and a message in turn.</summary>
    private Task NextAcknowledgementAsync(int replica) => Interlocked.Increment(ref _killedReplicas) % 2 == 1
        ? processes.Google.Deliveries.NextAcknowledgementAsync(replica)
        : processes.Meta.Deliveries.NextAcknowledgementAsync(replica);

    private void Add(Victim victim, int index, Harm harm, FaultStart start, bool watched = false)
    {
        var fault = new InjectedFault(victim, index, harm, start.ProcessId, start.At, time.GetUtcNow(), watched);
        _injectedFaults.Enqueue(fault);
        log.WriteLine(
            $"{fault.From:HH:mm:ss.fff} {victim} {index} {harm}, available again after {(fault.Until - fault.From).TotalSeconds:0.0} s");
    }
}
