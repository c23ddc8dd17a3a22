using System.Net;
using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Measure;
using Sendcat.Attacks.Stage;
using Sendcat.TestKit.Processes;

namespace Sendcat.Attacks.Fuzz;

/// <summary>Sends mutated requests of every operation of the API document, and bytes that are no requests, with accounts of its own and from many addresses.</summary>
internal sealed class Fuzzer
{
    /// <summary>The second bytes of its addresses: one for eight workers.</summary>
    private const byte FirstNet = 100;

    /// <summary>Requests on one connection: the next one comes from another address, so that no address meets its limits before it gets to what is behind them.</summary>
    private const int RequestsOfConnection = 60;

    /// <summary>Requests after which a worker makes a new guest: the one it has may have deleted its threads, or used up what a guest may have.</summary>
    private const int RequestsOfGuest = 400;

    private const int Users = 4;

    /// <summary>Memory may be so much above what it was warm: a fifth, or what a garbage collector leaves lying about.</summary>
    private const double MostGrowth = 1.2;

    private const long Slack = 48L * 1024 * 1024;

    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(60);

    private readonly AttackedSystem system;
    private readonly FuzzPlan plan;
    private readonly FuzzPeople people;
    private readonly AnswerJudge judge;
    private readonly FuzzIdentity[] users = new FuzzIdentity[Users];
    private readonly SemaphoreSlim registration = new(1);
    private IReadOnlyList<ApiOperation> operations = [];
    private long sent;

    private Fuzzer(AttackedSystem system, FuzzPlan plan) => (this.system, this.plan, people, judge) = (system, plan, new(system), new(system.Secrets));

    public static Task<FuzzReport> RunAsync(AttackedSystem system, FuzzPlan plan, Action<string>? progress = null, CancellationToken cancellationToken = default) =>
        new Fuzzer(system, plan).RunAsync(progress, cancellationToken);

    private async Task<FuzzReport> RunAsync(Action<string>? progress, CancellationToken cancellationToken)
    {
        var logBefore = LogReview.Length(system.LogFile);
        await PrepareAsync(cancellationToken);

        var began = TimeProvider.System.GetTimestamp();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var warm = WarmAsync(progress, began, stop.Token);
        await Task.WhenAll(Enumerable.Range(0, plan.Concurrency).Select(worker => WorkAsync(worker, cancellationToken)));
        var duration = TimeProvider.System.GetElapsedTime(began);
        await stop.CancelAsync();

        var warmBytes = await warm;
        var settled = await SettleAsync(warmBytes, cancellationToken);
        return new(plan, duration, judge.Statuses, judge.Failed, judge.Failures, warmBytes, settled, await ComplaintsAsync(warmBytes, settled, logBefore, cancellationToken));
    }

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        using var operators = system.Operator(Source.Of(FirstNet, 0));
        operations = ApiDocumentReader.Read((await operators.GetAsync("/openapi/v1.json", cancellationToken)).Expected().Json);
        await people.MakeVictimAsync(cancellationToken);
        for (var n = 0; n < Users; n++)
        {
            users[n] = await people.UserAsync(cancellationToken);
        }
    }

    private async Task WorkAsync(int worker, CancellationToken cancellationToken)
    {
        var random = new Random(unchecked((plan.Seed * 397) ^ (worker * 7919)));
        var maker = new RequestMaker(operations, system.Secrets, people.Victim, random);
        var target = system.Api.Address.EndPoint();
        var guest = await people.GuestAsync(cancellationToken);
        RawConnection? connection = null;
        try
        {
            for (var (own, onConnection, connections) = (1, 0, 0); Interlocked.Increment(ref sent) <= plan.Requests; own++, onConnection++)
            {
                if (own % RequestsOfGuest == 0)
                {
                    guest = await people.GuestAsync(cancellationToken);
                    await RenewUserAsync(worker % Users, cancellationToken);
                }

                if (connection is null || onConnection >= RequestsOfConnection)
                {
                    connection?.Dispose();
                    connection = await RawConnection.OpenAsync(Source.Of((byte)(FirstNet + (worker % 64)), connections++), target, cancellationToken);
                    onConnection = 0;
                }

                var request = maker.Next(random.Next(5) switch { 0 or 1 => users[worker % Users], 2 => new(), _ => guest });
                var answer = await connection.SendAsync(request, cancellationToken);
                judge.Judge(request, answer);
                if (!answer.KeepsAlive)
                {
                    connection.Dispose();
                    connection = null;
                }
            }
        }
        finally
        {
            connection?.Dispose();
        }
    }

    /// <summary>Its requests may have signed it out.</summary>
    private async Task RenewUserAsync(int user, CancellationToken cancellationToken)
    {
        using (var caller = system.From(Source.Of(FirstNet, user)).WithBearer(users[user].Bearer!))
        {
            if ((await caller.GetAsync("/api/auth/me", cancellationToken)).Status == 200)
            {
                return;
            }
        }

        await registration.WaitAsync(cancellationToken);
        try
        {
            users[user] = await people.UserAsync(cancellationToken);
        }
        catch (InvalidOperationException)
        {
            // 503: other requests keep the hashing busy. The next round tries again.
        }
        finally
        {
            registration.Release();
        }
    }

    /// <returns>Memory after a tenth of the requests, two thousand at least.</returns>
    private async Task<long> WarmAsync(Action<string>? progress, long began, CancellationToken stop)
    {
        var warmAfter = Math.Max(plan.Requests / 10, Math.Min(plan.Requests / 2, 2_000));
        long warm = 0;
        var told = TimeSpan.Zero;
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        try
        {
            while (await look.WaitForNextTickAsync(stop))
            {
                var done = Interlocked.Read(ref sent);
                if (warm == 0 && done >= warmAfter)
                {
                    warm = ProcessCost.ResidentBytes(system.Api.Process.Id);
                }

                var elapsed = TimeProvider.System.GetElapsedTime(began);
                if (progress is not null && elapsed - told >= TimeSpan.FromSeconds(30))
                {
                    told = elapsed;
                    progress($"{done} of {plan.Requests}, {done / elapsed.TotalSeconds:0}/s, {judge.Failed} failures, {ProcessCost.ResidentBytes(system.Api.Process.Id) >> 20} MiB");
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The requests are over.
        }

        return warm > 0 ? warm : ProcessCost.ResidentBytes(system.Api.Process.Id);
    }

    private async Task<long> SettleAsync(long warm, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        while (ProcessCost.ResidentBytes(system.Api.Process.Id) > Allowed(warm) && TimeProvider.System.GetElapsedTime(began) < SettleTime)
        {
            await look.WaitForNextTickAsync(cancellationToken);
        }

        return ProcessCost.ResidentBytes(system.Api.Process.Id);
    }

    private async Task<IReadOnlyList<string>> ComplaintsAsync(long warm, long settled, long logBefore, CancellationToken cancellationToken)
    {
        var complaints = new List<string>();
        if (system.Api.Process.Exited.IsCompleted)
        {
            complaints.Add($"the process ended: {system.Api.Process.Output}");
            return complaints;
        }

        if (settled > Allowed(warm))
        {
            complaints.Add($"memory was {warm >> 20} MiB warm and is {settled >> 20} MiB {SettleTime.TotalSeconds:0} s after the last request");
        }

        using (var somebody = system.From(Source.Of(FirstNet, 1)))
        {
            var health = await somebody.GetAsync("/api/chat/health", cancellationToken);
            if (health.Status != 200)
            {
                complaints.Add($"health afterwards: {health}");
            }
        }

        var tokens = users.SelectMany(user => new[] { user.Bearer!, user.RefreshToken! });
        var log = LogReview.Read(system.LogFile, logBefore, [.. system.Secrets.All, .. tokens, "a fuzzer's password 1"]);
        complaints.AddRange(log.Secrets.Take(3).Select(line => $"the log holds a secret: {line}"));
        complaints.AddRange(log.StackTraces.Take(3).Select(line => $"the log holds an exception of ours: {line}"));
        return complaints;
    }

    private static long Allowed(long warm) => Math.Max((long)(warm * MostGrowth), warm + Slack);
}
