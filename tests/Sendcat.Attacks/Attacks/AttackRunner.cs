using System.Net.Sockets;
using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Measure;
using Sendcat.Attacks.Stage;

namespace Sendcat.Attacks.Attacks;

/// <summary>Runs an attack beside honest users and judges what holds for every attack: nobody honest notices, nothing breaks, no secret is logged.</summary>
internal static class AttackRunner
{
    /// <summary>Turns of honest users that must end after the attack began, at least.</summary>
    private const int LeastTurns = 6;

    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(3);

    /// <param name="load">How long an attack that is a flood goes on.</param>
    /// <param name="alone">How long the honest users are measured before; zero: not at all.</param>
    public static async Task<AttackReport> RunAsync(Attack attack, AttackedSystem system, TimeSpan load, TimeSpan alone, CancellationToken cancellationToken = default)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Timeout + (2 * load) + alone);
        HonestFigures? before = null;
        ProcessFigures? costBefore = null;
        if (alone > TimeSpan.Zero)
        {
            (before, costBefore) = await AloneAsync(system, alone, timeout.Token);
        }

        var logBefore = LogReview.Length(system.LogFile);
        using var run = new AttackRun(system, load);
        await using var watch = new ProcessWatch(system.Api.Process.Id);
        system.Honest.Start();
        HonestFigures beside;
        try
        {
            await system.Honest.WaitForAsync(2, timeout.Token);
            await AttackAsync(attack, run, timeout.Token);
            await system.Honest.WaitForAsync(LeastTurns, timeout.Token);
        }
        finally
        {
            beside = await system.Honest.StopAsync();
        }

        var cost = await watch.StopAsync();
        run.Check(beside.Failed.Count == 0, $"every honest user is served beside the attacker ({beside.Turns.Count} turns)", string.Join(" | ", beside.Failed.Take(3)));
        run.Check(!system.Api.Process.Exited.IsCompleted, "the process lives", system.Api.Process.Output);
        run.Check(run.Answers.Faults.Count == 0, "no answer is a fault of ours", string.Join(" | ", run.Answers.Faults));
        var log = LogReview.Read(system.LogFile, logBefore, system.Secrets.All);
        run.Check(log.StackTraces.Count == 0, "no exception of ours is logged", string.Join(" | ", log.StackTraces.Take(2)));
        run.Check(log.Secrets.Count == 0, "no secret is logged", string.Join(" | ", log.Secrets.Take(2)));
        return new(attack, before, beside, cost, costBefore, run.Held, run.Broken, run.Answers.ToString());
    }

    private static async Task<(HonestFigures, ProcessFigures)> AloneAsync(AttackedSystem system, TimeSpan alone, CancellationToken cancellationToken)
    {
        await using var watch = new ProcessWatch(system.Api.Process.Id);
        system.Honest.Start();
        try
        {
            await Task.Delay(alone, TimeProvider.System, cancellationToken);
        }
        finally
        {
            await system.Honest.WaitForAsync(0, CancellationToken.None);
        }

        return (await system.Honest.StopAsync(), await watch.StopAsync());
    }

    /// <summary>An attacker whose connection is cut has failed, and nothing else.</summary>
    private static async Task AttackAsync(Attack attack, AttackRun run, CancellationToken cancellationToken)
    {
        try
        {
            await attack.RunAsync(run, cancellationToken);
        }
        catch (Exception failure) when (failure is InvalidOperationException or HttpRequestException or SocketException or IOException or TimeoutException || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            run.Check(false, $"the attack runs to its end: {failure.Message}");
        }
    }
}
