using System.Globalization;
using System.Text.Json;
using Sendcat.Monitor.Chat;
using Spectre.Console;

namespace Sendcat.Monitor.DeadLetters;

/// <summary>Puts the service's answers before people, or as they are before programs.</summary>
internal sealed class DlqReader(IAnsiConsole console, bool json)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public void Groups(JsonElement answer)
    {
        if (Raw(answer))
        {
            return;
        }

        var rows = Items(answer);
        if (rows.Length == 0)
        {
            Line("There are no dead letters.");
            return;
        }

        var table = new Table { Border = TableBorder.Simple };
        foreach (var column in new[] { "Count", "Tool", "Fingerprint", "Last", "Error" })
        {
            table.AddColumn(new TableColumn(column) { NoWrap = column is not "Error" });
        }

        foreach (var group in rows)
        {
            table.AddRow(
                new Text(Whole(group, "count")), new Text(group.Text("tool") ?? ""), new Text(group.Text("fingerprint") ?? ""), new Text(Time(group, "lastAt")),
                new Text($"{group.Text("error")} ({group.Text("reason")})"));
        }

        console.Write(table);
    }

    /// <param name="details">With arguments and every attempt.</param>
    public void Letters(JsonElement answer, bool details)
    {
        if (Raw(answer))
        {
            return;
        }

        var rows = Items(answer);
        foreach (var letter in rows)
        {
            Line($"{letter.Text("id")}  {letter.Text("tool")}  {Time(letter, "diedAt")}  attempts {Whole(letter, "attempts")}, replays {Whole(letter, "replayCount")}  {letter.Text("fingerprint")}");
            Line($"    {letter.Text("error")}");
            if (details)
            {
                Details(letter);
            }
        }

        if (rows.Length == 0)
        {
            Line("No dead letter is meant.");
        }

        if (answer.Text("nextCursor") is { } cursor)
        {
            Line($"There are more: --cursor {cursor}");
        }
    }

    public void Changed(string verb, JsonElement answer)
    {
        if (Raw(answer))
        {
            return;
        }

        var (rehearsal, matched, changed, skipped) = (answer.Flag("dryRun") == true, Whole(answer, "matched"), Whole(answer, "changed"), answer.Number("skipped") ?? 0);
        Line($"{changed} of {matched} dead letters {(rehearsal ? "would be" : "were")} {(verb == "requeue" ? "requeued" : "discarded")}.");
        if (skipped > 0)
        {
            Line($"{skipped} stay: their question is being worked on already.");
        }

        if (Time(answer, "lastDueAt") is { Length: > 0 } last)
        {
            Line($"The last one {(rehearsal ? "would run" : "runs")} at {last} UTC.");
        }
    }

    private bool Raw(JsonElement answer)
    {
        if (json)
        {
            Line(JsonSerializer.Serialize(answer, Indented));
        }

        return json;
    }

    private void Details(JsonElement letter)
    {
        Line($"    {letter.Field("arguments")?.GetRawText()}");
        foreach (var attempt in List(letter, "history"))
        {
            Line($"      {Time(attempt, "startedAt")} – {Time(attempt, "endedAt")}  {attempt.Text("worker")}  {attempt.Text("error")}");
        }
    }

    /// <summary>Unbroken, for programs that read lines; without control characters, for what an upstream or a user wrote must not steer a terminal.</summary>
    private void Line(string text) => console.Profile.Out.Writer.WriteLine(string.Concat(text.Select(letter => char.IsControl(letter) && letter is not '\n' ? ' ' : letter)));

    private static JsonElement[] Items(JsonElement answer) => List(answer, "items");

    private static JsonElement[] List(JsonElement json, string name) => json.Field(name) is { ValueKind: JsonValueKind.Array } items ? [.. items.EnumerateArray()] : [];

    private static string Whole(JsonElement json, string name) => json.Number(name)?.ToString("0", CultureInfo.InvariantCulture) ?? "";

    private static string Time(JsonElement json, string name) =>
        DateTimeOffset.TryParse(json.Text(name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) : "";
}
