using System.Globalization;
using System.Text;
using System.Text.Json;
using Sendcat.KillRig.Faults;
using Sendcat.KillRig.Ledger;
using Sendcat.KillRig.Rig;

namespace Sendcat.KillRig.Verdict;

/// <summary>The report of a run, as Markdown and as JSON.</summary>
internal sealed record RigReport(RigOptions Options, DateTimeOffset Began, TimeSpan Took, Evidence Evidence, IReadOnlyList<Check> Checks)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary><c>pass</c>, <c>fail</c> or <c>undecided</c>.</summary>
    public string Verdict =>
        Checks.Any(check => !check.Holds) ? "fail" : Conditions.UndecidedReason(Evidence, Options) is null ? "pass" : "undecided";

    public async Task WriteAsync(string folder)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "report.md"), ToMarkdown());
        await using var file = File.Create(Path.Combine(folder, "report.json"));
        await JsonSerializer.SerializeAsync(
            file,
            new
            {
                Verdict,
                Undecided = Conditions.UndecidedReason(Evidence, Options),
                Began,
                TookSeconds = Took.TotalSeconds,
                Options.Seed,
                Options,
                Figures = Figures(),
                Checks,
                Happenings = Evidence.InjectedFaults,
            },
            Json);
    }

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"# Kill rig: {Verdict}").AppendLine();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"{Began:yyyy-MM-dd HH:mm}, {Took.TotalSeconds:0} s, `--minutes {Options.Length.TotalMinutes:0.##} --seed {Options.Seed} "
            + $"--rate {Options.Rate} --workers {Options.Workers} --submitters {Options.Submitters}`");
        if (Conditions.UndecidedReason(Evidence, Options) is { } reason)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"Undecided: {reason}.");
        }

        text.AppendLine().AppendLine("| | found | allowed | |").AppendLine("| --- | ---: | ---: | --- |");
        foreach (var check in Checks)
        {
            text.AppendLine(
                CultureInfo.InvariantCulture, $"| {check.Name} | {check.Found} | {check.Bound} | {(check.Holds ? "ok" : "**FAILED**")} |");
        }

        text.AppendLine().AppendLine("| figure | |").AppendLine("| --- | ---: |");
        foreach (var (name, value) in Figures())
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {value} |");
        }

        foreach (var check in Checks.Where(check => !check.Holds))
        {
            text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"{check.Name}:");
            foreach (var detail in check.Details)
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"- `{detail}`");
            }
        }

        return text.ToString();
    }

    private Dictionary<string, string> Figures()
    {
        var duplicates = Duplicates.In(Evidence);
        var recoveries = Recoveries.In(Evidence, Options);
        var figures = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["requests of the submitters"] = $"{Evidence.Turns.Count}",
            ["accepted (a new or a joined job)"] = $"{Evidence.Turns.Values.Count(turn => turn.Job is not null)}",
            ["jobs in Postgres"] = $"{Evidence.Jobs.Count}",
        };
        foreach (var status in Evidence.Jobs
            .GroupBy(job => $"jobs {job.Status}{(RigNonce.IntentOf(job.Nonce) is Intent.Poison ? " (poisonous)" : "")}")
            .OrderBy(it => it.Key, StringComparer.Ordinal))
        {
            figures[status.Key] = $"{status.Count()}";
        }

        foreach (var outcome in Evidence.Turns.Values
            .GroupBy(turn => $"turns with outcome {turn.Outcome ?? "unknown (the submitter was killed)"}")
            .OrderBy(it => it.Key, StringComparer.Ordinal))
        {
            figures[outcome.Key] = $"{outcome.Count()}";
        }

        foreach (var (end, count) in Evidence.ChatEnds.OrderBy(it => it.Key, StringComparer.Ordinal))
        {
            figures[$"chat turns {end}"] = $"{count}";
        }

        figures["WhatsApp messages acknowledged"] = $"{Evidence.Messages.Acknowledged}";
        figures["WhatsApp messages delivered again"] = $"{Evidence.Messages.Redeliveries}";
        figures["WhatsApp jobs that a fault interrupted"] = $"{Evidence.Messages.Interrupted}";
        figures["WhatsApp messages without a reply (an interrupted reply is not repeated)"] = $"{Evidence.Messages.Unanswered}";
        figures["mails with an acknowledged notification"] = $"{Evidence.Mails.Acknowledged}";
        figures["notifications delivered again"] = $"{Evidence.Mails.Redeliveries}";
        figures["mailbox jobs that a fault interrupted or that waited for another one"] = $"{Evidence.Mails.Interrupted}";
        figures["requests at the upstream"] = $"{Evidence.Executions.Count}";
        figures["repeated executions (explained by a fault)"] =
            $"{duplicates.All.Count} ({duplicates.All.Count - duplicates.Unexplained.Count}) of {duplicates.Executions}";
        figures["recoveries of jobs of killed workers, without another fault"] = $"{recoveries.Count}";
        figures["slowest of these recoveries"] = recoveries.MaxBy(recovery => recovery.After)?.ToString() ?? "–";
        figures["stalls of the rig: sum, longest"] = string.Create(
            CultureInfo.InvariantCulture,
            $"{Evidence.Stalls.Sum(stall => stall.Late.TotalSeconds):0.0} s, "
            + $"{Evidence.Stalls.Select(stall => stall.Late.TotalSeconds).DefaultIfEmpty().Max():0.00} s");
        figures["time from the last request until all jobs ended"] = Evidence.DrainTime is { } drainTime
            ? $"{drainTime.TotalSeconds:0.0} s"
            : "never";
        foreach (var kind in Evidence.InjectedFaults.GroupBy(it => $"{it.Victim} {it.Harm}").OrderBy(it => it.Key, StringComparer.Ordinal))
        {
            figures[kind.Key] = $"{kind.Count()}";
        }

        return figures;
    }
}
