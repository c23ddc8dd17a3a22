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
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Allowed = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AlertTimeout = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan EndTimeout = TimeSpan.FromMinutes(12);
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Command Command()
    {
        var only = new Option<string[]>("--only") { Description = $"of {string.Join(", ", Incident.All.Select(it => it.Name))}", AllowMultipleArgumentsPerToken = true };
        var guests = new Option<int>("--guests") { Description = "guests who chat", DefaultValueFactory = _ => 16 };
        var quiet = new Option<int>("--quiet") { Description = "minutes of chatting without a fault, instead of incidents" };
        var command = new Command("incidents", "Plays incidents on the running system, and measures the time until an alert names the cause.") { only, guests, quiet };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                using var system = LocalSystem.Find();
                return parsed.GetValue(quiet) is > 0 and var minutes
                    ? await WatchQuietAsync(system, parsed.GetValue(guests), TimeSpan.FromMinutes(minutes), cancellationToken)
                    : await PlayAllAsync(system, parsed.GetValue(guests), parsed.GetValue(only) ?? [], cancellationToken);
            }
            catch (Exception exception) when (exception is InvalidOperationException or IOException or HttpRequestException or TimeoutException)
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
        foreach (var incident in Incident.All.Where(it => only.Length == 0 || only.Contains(it.Name)))
        {
            await using var traffic = new IncidentTraffic(system.Api, guests, time);
            traffic.Start();
            await UntilQuietAsync(system, time, EndTimeout, cancellationToken);
            results.Add(await PlayAsync(system, incident, traffic, time, cancellationToken));
            Console.WriteLine(results[^1].ToLine());
        }

        var report = ToMarkdown(results);
        var folder = Path.Combine(
            BuiltProgram.Root, ".output", "incidents", string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}"));
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "incidents.md"), report, cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "incidents.json"), JsonSerializer.Serialize(results, Json), cancellationToken);
        Console.WriteLine(report);
        Console.WriteLine($"report in {Path.GetRelativePath(BuiltProgram.Root, folder)}");
        return results.TrueForAll(it => it.Passes) ? 0 : 1;
    }

    private static async Task<Played> PlayAsync(
        LocalSystem system, Incident incident, IncidentTraffic traffic, TimeProvider time, CancellationToken cancellationToken)
    {
        Console.WriteLine($"{time.GetUtcNow():HH:mm:ss} {incident.Name}");
        var began = time.GetUtcNow();
        var end = await incident.Play(system, traffic, cancellationToken);
        try
        {
            var (alert, others) = await AwaitAlertAsync(system, incident, began, time, cancellationToken);
            var verdict = await system.VerdictAsync(cancellationToken);
            await end();
            end = () => Task.CompletedTask;
            var ended = time.GetUtcNow();
            var over = await UntilQuietAsync(system, time, EndTimeout, cancellationToken);
            return new(
                incident.Name, began, alert is null ? null : alert.RaisedAt - began, $"{alert}", alert?.Cause ?? "", alert?.Command ?? "", verdict,
                [.. others.Select(other => $"{other}")], over ? time.GetUtcNow() - ended : null, new Dictionary<string, int>(traffic.Ends));
        }
        finally
        {
            await end();
        }
    }

    private static async Task<(RaisedAlert? Alert, IReadOnlyList<RaisedAlert> Others)> AwaitAlertAsync(
        LocalSystem system, Incident incident, DateTimeOffset began, TimeProvider time, CancellationToken cancellationToken)
    {
        IReadOnlyList<RaisedAlert> seen = [];
        while (time.GetUtcNow() - began < AlertTimeout)
        {
            try
            {
                seen = [.. (await system.AlertsAsync(cancellationToken)).Where(alert => alert.RaisedAt >= began - PollInterval).OrderBy(alert => alert.RaisedAt)];
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
            {
                // The API is part of the incident. What was raised is stored and read later.
            }

            if (seen.FirstOrDefault(incident.IsNamedBy) is { } alert)
            {
                return (alert, [.. seen.Where(other => other != alert)]);
            }

            await Task.Delay(PollInterval, time, cancellationToken);
        }

        return (null, seen);
    }

    /// <summary>Waits until no alert is open, and the verdict is ok, for a minute.</summary>
    private static async Task<bool> UntilQuietAsync(LocalSystem system, TimeProvider time, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var (began, calmSince) = (time.GetUtcNow(), (DateTimeOffset?)null);
        while (time.GetUtcNow() - began < timeout)
        {
            var calm = false;
            try
            {
                calm = (await system.AlertsAsync(cancellationToken)).Count == 0 && await system.VerdictAsync(cancellationToken) is "ok" or "quiet";
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
            {
                // Not yet.
            }

            calmSince = calm ? calmSince ?? time.GetUtcNow() : null;
            if (calmSince is { } since && time.GetUtcNow() - since >= Calm / 4)
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
        var (began, raised) = (time.GetUtcNow(), new Dictionary<string, string>(StringComparer.Ordinal));
        while (time.GetUtcNow() - began < length)
        {
            foreach (var alert in (await system.AlertsAsync(cancellationToken)).Where(alert => alert.RaisedAt >= began))
            {
                if (raised.TryAdd($"{alert}", alert.Cause))
                {
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{alert.RaisedAt:HH:mm:ss} {alert}: {alert.Cause}"));
                }
            }

            await Task.Delay(PollInterval, time, cancellationToken);
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{length.TotalMinutes:0} minutes, turns: {EndsOf(traffic.Ends)}; {raised.Count} alerts"));
        return raised.Count == 0 ? 0 : 1;
    }

    private static string ToMarkdown(IReadOnlyList<Played> results)
    {
        var text = new StringBuilder();
        text.AppendLine("| incident | alert after | alert | cause it names | the verdict then | other alerts | over after | turns |");
        text.AppendLine("|---|---:|---|---|---|---|---:|---|");
        foreach (var it in results)
        {
            text.AppendLine(it.ToRow());
        }

        return text.ToString();
    }

    private static string EndsOf(IReadOnlyDictionary<string, int> ends) =>
        string.Join(", ", ends.OrderByDescending(end => end.Value).Select(end => string.Create(CultureInfo.InvariantCulture, $"{end.Value} {end.Key}")));

    /// <summary>What came of one incident.</summary>
    /// <param name="Name">The name of the incident.</param>
    /// <param name="Began">When the fault began.</param>
    /// <param name="AlertAfter">From the fault to the first alert that names its cause; null: there was none in time.</param>
    /// <param name="Alert">That alert.</param>
    /// <param name="Cause">Its text.</param>
    /// <param name="Command">The command that it recommends.</param>
    /// <param name="Verdict">What the status page showed then.</param>
    /// <param name="Others">The other alerts since the fault.</param>
    /// <param name="OverAfter">From the end of the fault until all was quiet; null: it was not in time.</param>
    /// <param name="Turns">The turns of the guests by their end.</param>
    private sealed record Played(
        string Name, DateTimeOffset Began, TimeSpan? AlertAfter, string Alert, string Cause, string Command, string Verdict,
        IReadOnlyList<string> Others, TimeSpan? OverAfter, IReadOnlyDictionary<string, int> Turns)
    {
        public bool Passes => AlertAfter <= Allowed && OverAfter is not null;

        public string ToLine() => string.Create(CultureInfo.InvariantCulture, $"  alert after {Seconds(AlertAfter)}: {Alert}; over after {Seconds(OverAfter)}");

        public string ToRow() =>
            $"| {Name} | {Seconds(AlertAfter)} | {Alert} | {Cause} | {Verdict} | {string.Join(", ", Others)} | {Seconds(OverAfter)} | {EndsOf(Turns)} |";

        private static string Seconds(TimeSpan? time) =>
            time is { } it ? string.Create(CultureInfo.InvariantCulture, $"{it.TotalSeconds:0} s") : "never";
    }
}
