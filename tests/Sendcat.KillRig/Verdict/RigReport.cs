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
    public string Verdict => Checks.Any(check => !check.Holds) ? "fail" : Judgement.TooLittle(Evidence, Options) is null ? "pass" : "undecided";

    public async Task WriteAsync(string folder)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "report.md"), ToMarkdown());
        await using var file = File.Create(Path.Combine(folder, "report.json"));
        await JsonSerializer.SerializeAsync(
            file,
            new { Verdict, Undecided = Judgement.TooLittle(Evidence, Options), Began, TookSeconds = Took.TotalSeconds, Options.Seed, Options, Figures = Figures(), Checks, Evidence.Happenings },
            Json);
    }

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"# Kill rig: {Verdict}").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Began:yyyy-MM-dd HH:mm}, {Took.TotalSeconds:0} s, `--minutes {Options.Length.TotalMinutes:0.##} --seed {Options.Seed} --rate {Options.Rate} --workers {Options.Workers} --submitters {Options.Submitters}`");
        if (Judgement.TooLittle(Evidence, Options) is { } little)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"Not decided: {little}.");
        }

        text.AppendLine().AppendLine("| | found | allowed | |").AppendLine("| --- | ---: | ---: | --- |");
        foreach (var check in Checks)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"| {check.Name} | {check.Found} | {check.Bound} | {(check.Holds ? "ok" : "**FAILED**")} |");
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
        var rescues = Rescues.In(Evidence, Options);
        var figures = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["questions asked"] = $"{Evidence.Turns.Count}",
            ["accepted (entered or joined a job)"] = $"{Evidence.Turns.Values.Count(turn => turn.Job is not null)}",
            ["jobs on record"] = $"{Evidence.Jobs.Count}",
        };
        foreach (var status in Evidence.Jobs.GroupBy(job => $"jobs {job.Status}{(Question.FateOf(job.Nonce) is Fate.Poison ? " (poisonous)" : "")}").OrderBy(it => it.Key, StringComparer.Ordinal))
        {
            figures[status.Key] = $"{status.Count()}";
        }

        foreach (var outcome in Evidence.Turns.Values.GroupBy(turn => $"turns told {turn.Outcome ?? "nothing (their submitter was killed)"}").OrderBy(it => it.Key, StringComparer.Ordinal))
        {
            figures[outcome.Key] = $"{outcome.Count()}";
        }

        foreach (var (end, count) in Evidence.ChatEnds.OrderBy(it => it.Key, StringComparer.Ordinal))
        {
            figures[$"chat turns {end}"] = $"{count}";
        }

        figures["questions at the upstream"] = $"{Evidence.Executions.Count}";
        figures["executions again (explained by a fault)"] = $"{duplicates.All.Count} ({duplicates.All.Count - duplicates.Unexplained.Count}) of {duplicates.Executions}";
        figures["jobs rescued from killed workers, undisturbed"] = $"{rescues.Count}";
        figures["slowest of these rescues"] = rescues.Count == 0 ? "–" : $"{rescues.Max(rescue => rescue.After).TotalSeconds:0.00} s";
        figures["until all was done after the last fault"] = Evidence.Drained is { } drained ? $"{drained.TotalSeconds:0.0} s" : "never";
        foreach (var kind in Evidence.Happenings.GroupBy(it => $"{it.Victim} {it.Harm}").OrderBy(it => it.Key, StringComparer.Ordinal))
        {
            figures[kind.Key] = $"{kind.Count()}";
        }

        return figures;
    }
}
