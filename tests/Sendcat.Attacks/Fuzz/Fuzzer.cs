using System.Net;
using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Measure;
using Sendcat.Attacks.Target;
using Sendcat.TestKit.Processes;

namespace Sendcat.Attacks.Fuzz;

/// <summary>
/// Sends mutated requests of every operation of the API document, and bytes that are not valid HTTP, with accounts of its own and from many
/// source addresses.
/// </summary>
internal sealed class Fuzzer
{
    /// <summary>The second byte of the source addresses of the first worker. Worker N uses the byte <c>FirstNet + N % 64</c>.</summary>
    private const byte FirstNet = 100;

    /// <summary>
    /// Requests per connection. The next connection has another source address, so that the limits of an address refuse few requests.
    /// </summary>
    private const int RequestsPerConnection = 60;

    /// <summary>
    /// After this number of requests a worker creates a new guest. The old one may have deleted its threads or used its quota.
    /// </summary>
    private const int RequestsPerGuest = 400;

    private const int Users = 4;

    /// <summary>
    /// The maximum growth of the memory since the warm value: a fifth, or 48 MiB that the garbage collector may not have freed.
    /// </summary>
    private const double MaxGrowth = 1.2;

    private const long GrowthTolerance = 48L * 1024 * 1024;

    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(60);

    private readonly AttackedSystem _system;
    private readonly FuzzPlan _plan;
    private readonly FuzzAccounts _accounts;
    private readonly ResponseChecker _checker;
    private readonly FuzzIdentity[] _users = new FuzzIdentity[Users];
    private readonly SemaphoreSlim _registration = new(1);
    private IReadOnlyList<ApiOperation> _operations = [];
    private long _sent;

    private Fuzzer(AttackedSystem system, FuzzPlan plan) =>
        (_system, _plan, _accounts, _checker) = (system, plan, new(system), new(system.Secrets));

    public static Task<FuzzReport> RunAsync(
        AttackedSystem system, FuzzPlan plan, Action<string>? progress = null, CancellationToken cancellationToken = default) =>
        new Fuzzer(system, plan).RunAsync(progress, cancellationToken);

    private async Task<FuzzReport> RunAsync(Action<string>? progress, CancellationToken cancellationToken)
    {
        var logBefore = LogReview.Length(_system.LogFile);
        await PrepareAsync(cancellationToken);

        var began = TimeProvider.System.GetTimestamp();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var warm = WarmAsync(progress, began, stop.Token);
        await Task.WhenAll(Enumerable.Range(0, _plan.Concurrency).Select(worker => WorkAsync(worker, cancellationToken)));
        var duration = TimeProvider.System.GetElapsedTime(began);
        await stop.CancelAsync();

        var warmBytes = await warm;
        var settled = await SettleAsync(warmBytes, cancellationToken);
        return new(
            _plan, duration, _checker.Statuses, _checker.Failed, _checker.Failures, warmBytes, settled,
            await FindProblemsAsync(warmBytes, settled, logBefore, cancellationToken));
    }

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        using var caller = _system.Operator(SourceAddress.Of(FirstNet, 0));
        _operations = ApiDocumentReader.Read((await caller.GetAsync("/openapi/v1.json", cancellationToken)).EnsureSuccess().Json);
        await _accounts.CreateVictimAsync(cancellationToken);
        for (var n = 0; n < Users; n++)
        {
            _users[n] = await _accounts.UserAsync(cancellationToken);
        }
    }

    private async Task WorkAsync(int worker, CancellationToken cancellationToken)
    {
        var random = new Random(unchecked((_plan.Seed * 397) ^ (worker * 7919)));
        var generator = new RequestGenerator(_operations, _system.Secrets, _accounts.Victim, random);
        var target = _system.Api.Address.EndPoint();
        var guest = await _accounts.GuestAsync(cancellationToken);
        RawConnection? connection = null;
        try
        {
            var (onConnection, connections) = (0, 0);
            for (var count = 1; Interlocked.Increment(ref _sent) <= _plan.Requests; count++, onConnection++)
            {
                if (count % RequestsPerGuest == 0)
                {
                    guest = await _accounts.GuestAsync(cancellationToken);
                    await RenewUserAsync(worker % Users, cancellationToken);
                }

                if (connection is null || onConnection >= RequestsPerConnection)
                {
                    connection?.Dispose();
                    connection = await RawConnection.OpenAsync(
                        SourceAddress.Of((byte)(FirstNet + (worker % 64)), connections++), target, cancellationToken);
                    onConnection = 0;
                }

                var request = generator.Next(random.Next(5) switch { 0 or 1 => _users[worker % Users], 2 => new(), _ => guest });
                var response = await connection.SendAsync(request, cancellationToken);
                _checker.Check(request, response);
                if (!response.KeepsConnection)
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

    /// <summary>Creates a new user when the token of the old one is invalid: a fuzzed request may have signed it out.</summary>
    private async Task RenewUserAsync(int user, CancellationToken cancellationToken)
    {
        using (var caller = _system.From(SourceAddress.Of(FirstNet, user)).WithBearer(_users[user].Bearer!))
        {
            if ((await caller.GetAsync("/api/auth/me", cancellationToken)).Status == 200)
            {
                return;
            }
        }

        await _registration.WaitAsync(cancellationToken);
        try
        {
            _users[user] = await _accounts.UserAsync(cancellationToken);
        }
        catch (InvalidOperationException)
        {
            // 503: other requests use all capacity for password hashes. The next renewal tries again.
        }
        finally
        {
            _registration.Release();
        }
    }

    /// <returns>The resident memory (bytes) after a tenth of the requests, at least two thousand.</returns>
    private async Task<long> WarmAsync(Action<string>? progress, long began, CancellationToken stop)
    {
        var warmAfter = Math.Max(_plan.Requests / 10, Math.Min(_plan.Requests / 2, 2_000));
        long warm = 0;
        var reportedAt = TimeSpan.Zero;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                var done = Interlocked.Read(ref _sent);
                if (warm == 0 && done >= warmAfter)
                {
                    warm = ProcessCost.ResidentBytes(_system.Api.Process.Id);
                }

                var elapsed = TimeProvider.System.GetElapsedTime(began);
                if (progress is not null && elapsed - reportedAt >= TimeSpan.FromSeconds(30))
                {
                    reportedAt = elapsed;
                    progress(
                        $"{done} of {_plan.Requests}, {done / elapsed.TotalSeconds:0}/s, {_checker.Failed} failures, "
                        + $"{ProcessCost.ResidentBytes(_system.Api.Process.Id) >> 20} MiB");
                }
            }
        }
        catch (OperationCanceledException)
        {
            // All requests are sent.
        }

        return warm > 0 ? warm : ProcessCost.ResidentBytes(_system.Api.Process.Id);
    }

    /// <summary>Waits until the memory is within the allowed growth, at most 60 s.</summary>
    /// <returns>The resident memory (bytes).</returns>
    private async Task<long> SettleAsync(long warm, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        while (ProcessCost.ResidentBytes(_system.Api.Process.Id) > Allowed(warm) && TimeProvider.System.GetElapsedTime(began) < SettleTime)
        {
            await timer.WaitForNextTickAsync(cancellationToken);
        }

        return ProcessCost.ResidentBytes(_system.Api.Process.Id);
    }

    private async Task<IReadOnlyList<string>> FindProblemsAsync(
        long warm, long settled, long logBefore, CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        if (_system.Api.Process.Exited.IsCompleted)
        {
            problems.Add($"the process ended: {_system.Api.Process.Output}");
            return problems;
        }

        if (settled > Allowed(warm))
        {
            problems.Add(
                $"memory was {warm >> 20} MiB warm and is {settled >> 20} MiB {SettleTime.TotalSeconds:0} s after the last request");
        }

        using (var caller = _system.From(SourceAddress.Of(FirstNet, 1)))
        {
            var health = await caller.GetAsync("/api/chat/health", cancellationToken);
            if (health.Status != 200)
            {
                problems.Add($"health afterwards: {health}");
            }
        }

        var tokens = _users.SelectMany(user => new[] { user.Bearer!, user.RefreshToken! });
        var log = LogReview.Read(_system.LogFile, logBefore, [.. _system.Secrets.All, .. tokens, "a fuzzer's password 1"]);
        problems.AddRange(log.Secrets.Take(3).Select(line => $"the log contains a secret: {line}"));
        problems.AddRange(log.StackTraces.Take(3).Select(line => $"the log contains an exception or an error of the server: {line}"));
        return problems;
    }

    private static long Allowed(long warm) => Math.Max((long)(warm * MaxGrowth), warm + GrowthTolerance);
}
