using System.CommandLine;
using System.Globalization;
using Npgsql;
using Sendcat.KillRig.Rig;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.KillRig.Freezing;

/// <summary>
/// Suspends Postgres, Redis and RabbitMQ one after the other while users chat, and checks what they got and what was stored.
/// </summary>
internal static class FreezeRun
{
    private static readonly TimeSpan LeftoverPatience = TimeSpan.FromSeconds(60);

    /// <summary>
    /// All users have one address, and none of them shall be refused for a limit. A machine that is shared may delay Redis by more than the
    /// default of 50 ms.
    /// </summary>
    private static readonly IReadOnlyDictionary<string, string?> Knobs = new Dictionary<string, string?>
    {
        ["RATE_LIMIT_CHAT_STREAM_MAX"] = "1000",
        ["RATE_LIMIT_CHAT_TOKENS_MAX"] = "1000000000",
        ["CHAT_ADDRESS_TOKENS_PER_DAY"] = "2000000000",
        ["CHAT_GLOBAL_TOKENS_PER_DAY"] = "2000000000",
        ["BUDGET_USD_PER_PRINCIPAL_PER_DAY"] = "2000",
        ["BULKHEAD_OR_PRI_MAX_CONCURRENT"] = "200",
        ["MESSAGES_PER_THREAD_MAX"] = "10000",
        ["REDIS_DECISION_TIMEOUT_MS"] = "250",
    };

    public static Command Command()
    {
        var seconds = new Option<double>("--seconds") { Description = "how long each store is suspended", DefaultValueFactory = _ => 30 };
        var people = new Option<int>("--people") { Description = "simulated users", DefaultValueFactory = _ => 64 };
        var command = new Command(
            "freeze", "Suspends each store under chatting users, and reports answers by status and time, recovery and losses.")
        {
            seconds, people,
        };
        command.SetAction((parsed, cancellationToken) => RunAndReportAsync(
            new() { Frozen = TimeSpan.FromSeconds(parsed.GetValue(seconds)), People = parsed.GetValue(people) }, Console.Out,
            cancellationToken));
        return command;
    }

    /// <returns>0: nothing was lost and every kind of request recovered in time; 1: not; 2: the rig itself failed.</returns>
    public static async Task<int> RunAndReportAsync(FreezeOptions options, TextWriter output, CancellationToken cancellationToken)
    {
        try
        {
            var report = await RunAsync(options, TimeProvider.System, output, cancellationToken);
            await output.WriteLineAsync(report.ToMarkdown());
            return report.Passes ? 0 : 1;
        }
        catch (Exception exception) when (
            exception is InvalidOperationException or IOException or NpgsqlException or TimeoutException or MissingServerException)
        {
            await output.WriteLineAsync($"The rig could not complete its run: {exception}");
            return 2;
        }
    }

    /// <exception cref="MissingServerException">A server program of a store is not installed.</exception>
    public static async Task<FreezeReport> RunAsync(
        FreezeOptions options, TimeProvider time, TextWriter output, CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        var folder = Path.Combine(
            BuiltProgram.Root, ".output", "kill-rig", string.Create(CultureInfo.InvariantCulture, $"{began:yyyyMMdd'T'HHmmss'Z'}-freeze"));
        Directory.CreateDirectory(folder);
        await output.WriteLineAsync($"report and logs in {Path.GetRelativePath(BuiltProgram.Root, folder)}");
        await using var processes = await RigProcesses.StartAsync(
            new()
            {
                Length = TimeSpan.Zero, Seed = 0, Submitters = 0, People = 0, MessageRate = 0, MailRate = 0, Lease = TimeSpan.FromSeconds(45),
                Replicas = options.Replicas, Workers = options.Workers, ReplicaKnobs = Knobs,
            },
            folder,
            time,
            cancellationToken);
        var users = new FreezeUsers(processes.Addresses, options, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var chatting = users.ChatAsync(stop.Token);
        await Task.Delay(options.WarmUp, time, cancellationToken);
        var freezes = new List<(string Store, DateTimeOffset Began, DateTimeOffset Ended)>();
        foreach (var (name, store) in processes.StoresByName)
        {
            await Task.Delay(options.Calm, time, cancellationToken);
            freezes.Add(await FreezeAsync(name, store, options.Frozen, time, output, cancellationToken));
            await Task.Delay(options.Calm, time, cancellationToken);
        }

        await stop.CancelAsync();
        await chatting;
        var report = new FreezeReport(
            options,
            began,
            await File.ReadAllTextAsync("/proc/loadavg", cancellationToken),
            [.. freezes.Select(it => Freeze.Of(it.Store, it.Began, it.Ended, options.Calm, users.Requests))],
            await FreezeAudit.CreateAsync(processes, users.Accepted, LeftoverPatience, time, cancellationToken));
        await report.WriteAsync(folder);
        return report;
    }

    private static async Task<(string Store, DateTimeOffset Began, DateTimeOffset Ended)> FreezeAsync(
        string name, StoreServer store, TimeSpan length, TimeProvider time, TextWriter output, CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        await output.WriteLineAsync($"{began:HH:mm:ss} {name} suspended");
        await store.PauseAsync();
        try
        {
            await Task.Delay(length, time, cancellationToken);
        }
        finally
        {
            await store.ResumeAsync();
        }

        await output.WriteLineAsync($"{time.GetUtcNow():HH:mm:ss} {name} resumed");
        return (name, began, time.GetUtcNow());
    }
}
