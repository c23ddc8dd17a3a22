using System.Net.Sockets;
using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Measure;
using Sendcat.Attacks.Target;

namespace Sendcat.Attacks.Attacks;

/// <summary>
/// Runs an attack beside honest users and checks the facts that must hold for every attack: all honest users are served, no response is a
/// server error, the log has neither an exception nor a secret.
/// </summary>
internal static class AttackRunner
{
    /// <summary>The minimum number of turns of honest users that must end after the attack.</summary>
    private const int MinTurnsAfterAttack = 6;

    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(3);

    /// <param name="attack">The attack.</param>
    /// <param name="system">The attacked system.</param>
    /// <param name="floodTime">How long a flood lasts.</param>
    /// <param name="baselineTime">How long the honest users are measured before the attack; zero: they are not measured.</param>
    /// <param name="cancellationToken">Ends the attack.</param>
    public static async Task<AttackReport> RunAsync(
        Attack attack, AttackedSystem system, TimeSpan floodTime, TimeSpan baselineTime, CancellationToken cancellationToken = default)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Timeout + (2 * floodTime) + baselineTime);
        HonestFigures? before = null;
        ProcessFigures? costBefore = null;
        if (baselineTime > TimeSpan.Zero)
        {
            (before, costBefore) = await MeasureBaselineAsync(system, baselineTime, timeout.Token);
        }

        var logBefore = LogReview.Length(system.LogFile);
        using var run = new AttackRun(system, floodTime);
        await using var watch = new ProcessWatch(system.Api.Process.Id);
        system.Honest.Start();
        HonestFigures beside;
        try
        {
            await system.Honest.WaitForAsync(2, timeout.Token);
            await AttackAsync(attack, run, timeout.Token);
            await system.Honest.WaitForAsync(MinTurnsAfterAttack, timeout.Token);
        }
        finally
        {
            beside = await system.Honest.StopAsync();
        }

        var cost = await watch.StopAsync();
        run.Check(
            beside.Failed.Count == 0, $"every honest user is served beside the attacker ({beside.Turns.Count} turns)",
            string.Join(" | ", beside.Failed.Take(3)));
        run.Check(!system.Api.Process.Exited.IsCompleted, "the API process is running", system.Api.Process.Output);
        run.Check(
            run.Responses.ServerErrors.Count == 0, "no response is a server error other than 503",
            string.Join(" | ", run.Responses.ServerErrors));
        var log = LogReview.Read(system.LogFile, logBefore, system.Secrets.All);
        run.Check(
            log.StackTraces.Count == 0, "no exception and no error of the server is logged", string.Join(" | ", log.StackTraces.Take(2)));
        run.Check(log.Secrets.Count == 0, "no secret is logged", string.Join(" | ", log.Secrets.Take(2)));
        return new(attack, before, beside, cost, costBefore, run.HeldFacts, run.FailedFacts, run.Responses.ToString());
    }

    private static async Task<(HonestFigures, ProcessFigures)> MeasureBaselineAsync(
        AttackedSystem system, TimeSpan duration, CancellationToken cancellationToken)
    {
        await using var watch = new ProcessWatch(system.Api.Process.Id);
        system.Honest.Start();
        try
        {
            await Task.Delay(duration, TimeProvider.System, cancellationToken);
        }
        finally
        {
            await system.Honest.WaitForAsync(0, CancellationToken.None);
        }

        return (await system.Honest.StopAsync(), await watch.StopAsync());
    }

    /// <summary>
    /// Runs the attack. An exception of the attacker, for instance because its connection was closed, is a fact that does not hold.
    /// </summary>
    private static async Task AttackAsync(Attack attack, AttackRun run, CancellationToken cancellationToken)
    {
        try
        {
            await attack.RunAsync(run, cancellationToken);
        }
        catch (Exception failure) when (
            failure is InvalidOperationException or HttpRequestException or SocketException or IOException or TimeoutException
                || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            run.Check(false, $"the attack runs to its end: {failure.Message}");
        }
    }
}
