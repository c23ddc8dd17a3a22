using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Sendcat.TestKit.Processes;

namespace Sendcat.KillRig.Incidents;

/// <summary>
/// Plays incidents on the system that <c>./sendcat up --replicas 2 --workers 2</c> has started, while guests chat, and measures the time
/// from the fault to an alert that names its cause. docs/runbook.md says what an operator does then.
/// </summary>
internal static class IncidentRun
{
    private const string ErrorBudget = "slo_burn";

    /// <summary>The share of turns that must succeed in a time without a fault.</summary>
    private const double MinDoneShare = 0.99;

    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Allowed = TimeSpan.FromSeconds(60);

    /// <summary>A fault lasts at least so long: then the verdict of the last minute is about the fault alone.</summary>
    private static readonly TimeSpan FaultLength = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan AlertTimeout = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan EndTimeout = TimeSpan.FromMinutes(12);
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMinutes(5);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Command Command()
    {
        var only = new Option<string[]>("--only")
        {
            Description = $"of {string.Join(", ", Incident.All.Select(it => it.Name))}", AllowMultipleArgumentsPerToken = true,
        };
        var guests = new Option<int>("--guests") { Description = "guests who chat", DefaultValueFactory = _ => 16 };
        var quiet = new Option<int>("--quiet") { Description = "minutes of chatting without a fault, instead of incidents" };
        var command = new Command(
            "incidents", "Plays incidents on the running system, and measures the time until an alert names the cause.")
        {
            only, guests, quiet,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                using var system = LocalSystem.Find();
                return parsed.GetValue(quiet) is > 0 and var minutes
                    ? await WatchQuietAsync(system, parsed.GetValue(guests), TimeSpan.FromMinutes(minutes), cancellationToken)
                    : await PlayAllAsync(system, parsed.GetValue(guests), parsed.GetValue(only) ?? [], cancellationToken);
            }
            catch (Exception exception) when (
                exception is InvalidOperationException or IOException or HttpRequestException or TimeoutException)
            {
                await Console.Error.WriteLineAsync($"The incidents could not be played: {exception.Message}");
                return 2;
            }
        });
        return command;
    }

    private static async Task<int> PlayAllAsync(LocalSystem system, int guests, string[] only, CancellationToken cancellationToken)
    {
        var time = TimeProvider.System;
        var results = new List<Played>();
        var folder = Path.Combine(
            BuiltProgram.Root, ".output", "incidents",
            string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}"));
        Directory.CreateDirectory(folder);
        foreach (var incident in Incident.All.Where(it => only.Length == 0 || only.Contains(it.Name)))
        {
            await using var traffic = new IncidentTraffic(system.Api, guests, time);
            traffic.Start();
            await UntilQuietAsync(system, new(system, time), time, EndTimeout, cancellationToken);
            results.Add(await PlayAsync(system, incident, traffic, time, cancellationToken));
            Console.WriteLine(results[^1].ToLine());

            // After each of them: a run takes half an hour, and may be stopped.
            await File.WriteAllTextAsync(Path.Combine(folder, "incidents.md"), ToMarkdown(results), cancellationToken);
            await File.WriteAllTextAsync(
                Path.Combine(folder, "incidents.json"), JsonSerializer.Serialize(results, Json), cancellationToken);
        }

        Console.WriteLine(ToMarkdown(results));
        Console.WriteLine($"report in {Path.GetRelativePath(BuiltProgram.Root, folder)}");
        return results.TrueForAll(it => it.Passes) ? 0 : 1;
    }

    private static async Task<Played> PlayAsync(
        LocalSystem system, Incident incident, IncidentTraffic traffic, TimeProvider time, CancellationToken cancellationToken)
    {
        var watch = new AlertWatch(system, time);
        await watch.LookAsync(cancellationToken);
        Console.WriteLine($"{time.GetUtcNow():HH:mm:ss} {incident.Name}");
        var began = time.GetUtcNow();
        var end = await incident.Play(system, traffic, cancellationToken);
        try
        {
            var named = await AwaitAlertAsync(watch, incident, began, time, cancellationToken);
            if (began + FaultLength - time.GetUtcNow() is { Ticks: > 0 } rest)
            {
                await Task.Delay(rest, time, cancellationToken);
            }

            var verdict = await system.VerdictAsync(cancellationToken);
            await end();
            end = () => Task.CompletedTask;
            var ended = time.GetUtcNow();
            var over = await UntilQuietAsync(system, watch, time, EndTimeout, cancellationToken);
            return new(
                incident.Name, began, named?.SeenAt - began, $"{named?.Alert}", named?.Alert.Cause ?? "", named?.Alert.Command ?? "",
                $"{verdict}",
                [.. watch.Begun.Where(other => other != named).Select(other => $"{other.Alert}")], incident.EndedBy,
                over ? time.GetUtcNow() - ended : null, new Dictionary<string, int>(traffic.Ends));
        }
        finally
        {
            await end();
        }
    }

    private static async Task<BegunAlert?> AwaitAlertAsync(
        AlertWatch watch, Incident incident, DateTimeOffset began, TimeProvider time, CancellationToken cancellationToken)
    {
        while (time.GetUtcNow() - began < AlertTimeout)
        {
            await watch.LookAsync(cancellationToken);
            if (watch.Begun.FirstOrDefault(it => incident.IsNamedBy(it.Alert)) is { } named)
            {
                return named;
            }

            await Task.Delay(PollInterval, time, cancellationToken);
        }

        return null;
    }

    /// <summary>
    /// Waits until no alert is open, and the verdict is ok, for 15 seconds. Alerts of the error budget do not count: they last as long as
    /// the window over which they judge, up to six hours.
    /// </summary>
    private static async Task<bool> UntilQuietAsync(
        LocalSystem system, AlertWatch watch, TimeProvider time, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var (began, calmSince) = (time.GetUtcNow(), (DateTimeOffset?)null);
        while (time.GetUtcNow() - began < timeout)
        {
            var calm = false;
            try
            {
                calm = await watch.LookAsync(cancellationToken) && watch.Open.All(alert => alert.Kind == ErrorBudget)
                    && (await system.VerdictAsync(cancellationToken)).Verdict == "ok";
            }
            catch (Exception exception) when (AlertWatch.IsNoResponse(exception, cancellationToken))
            {
                // Not yet.
            }

            calmSince = calm ? calmSince ?? time.GetUtcNow() : null;
            if (time.GetUtcNow() - calmSince >= Calm)
            {
                return true;
            }

            await Task.Delay(PollInterval, time, cancellationToken);
        }

        return false;
    }

    private static async Task<int> WatchQuietAsync(LocalSystem system, int guests, TimeSpan length, CancellationToken cancellationToken)
    {
        var time = TimeProvider.System;
        await using var traffic = new IncidentTraffic(system.Api, guests, time);
        traffic.Start();
        var (watch, began, shown, unread) = (new AlertWatch(system, time), time.GetUtcNow(), 0, 0);
        var report = began + ReportInterval;
        while (time.GetUtcNow() - began < length)
        {
            unread += await watch.LookAsync(cancellationToken) ? 0 : 1;
            foreach (var (alert, at) in watch.Begun.Skip(shown))
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{at:HH:mm:ss} {alert}: {alert.Cause}"));
            }

            shown = watch.Begun.Count;
            if (time.GetUtcNow() >= report)
            {
                report += ReportInterval;
                Console.WriteLine(Line());
            }

            await Task.Delay(PollInterval, time, cancellationToken);
        }

        Console.WriteLine(Line());
        // Without turns nothing could have raised an alert.
        var turns = traffic.Ends.Values.Sum();
        return shown == 0 && unread == 0 && traffic.Ends.GetValueOrDefault("done") > MinDoneShare * turns ? 0 : 1;

        string Line()
        {
            var minutes = (time.GetUtcNow() - began).TotalMinutes;
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{minutes:0} minutes, turns: {EndsOf(traffic.Ends)}; {watch.Begun.Count} alerts, {unread} readings without a response");
        }
    }

    private static string ToMarkdown(IReadOnlyList<Played> results)
    {
        var text = new StringBuilder();
        text.AppendLine(
            "| incident | alert after | alert | cause it names | `./sendcat status` then | other alerts | ended by | over after | turns |");
        text.AppendLine("|---|---:|---|---|---|---|---|---:|---|");
        foreach (var it in results)
        {
            text.AppendLine(it.ToRow());
        }

        return text.ToString();
    }

    private static string EndsOf(IReadOnlyDictionary<string, int> ends) =>
        string.Join(
            ", ",
            ends.OrderByDescending(end => end.Value).Select(end => string.Create(CultureInfo.InvariantCulture, $"{end.Value} {end.Key}")));

    /// <summary>What came of one incident.</summary>
    /// <param name="Name">The name of the incident.</param>
    /// <param name="Began">When the fault began.</param>
    /// <param name="AlertAfter">From the fault to the first alert that names its cause; null: there was none in time.</param>
    /// <param name="Alert">That alert.</param>
    /// <param name="Cause">Its text.</param>
    /// <param name="Command">The command that it recommends.</param>
    /// <param name="Verdict">What the console and <c>./sendcat status</c> showed then.</param>
    /// <param name="Others">The other alerts since the fault.</param>
    /// <param name="EndedBy">What ended it.</param>
    /// <param name="OverAfter">From the end of the fault until all was quiet; null: it was not in time.</param>
    /// <param name="Turns">The turns of the guests by their end.</param>
    private sealed record Played(
        string Name, DateTimeOffset Began, TimeSpan? AlertAfter, string Alert, string Cause, string Command, string Verdict,
        IReadOnlyList<string> Others, string EndedBy, TimeSpan? OverAfter, IReadOnlyDictionary<string, int> Turns)
    {
        public bool Passes => AlertAfter <= Allowed && OverAfter is not null;

        public string ToLine() =>
            string.Create(CultureInfo.InvariantCulture, $"  alert after {Seconds(AlertAfter)}: {Alert}; over after {Seconds(OverAfter)}");

        public string ToRow() =>
            $"| {Name} | {Seconds(AlertAfter)} | {Alert} | {Cause} | {Verdict} | {string.Join(", ", Others)} | {EndedBy} "
            + $"| {Seconds(OverAfter)} | {EndsOf(Turns)} |";

        private static string Seconds(TimeSpan? time) =>
            time is { } it ? string.Create(CultureInfo.InvariantCulture, $"{it.TotalSeconds:0} s") : "never";
    }
}
