using System.Globalization;
using System.Text.Json;
using Sendcat.Monitor.Chat;
using Spectre.Console;

namespace Sendcat.Monitor.DeadLetters;

/// <summary>Prints responses about dead letters: as tables and lines, or with <c>--json</c> as the service sent them.</summary>
internal sealed class DlqPrinter(IAnsiConsole console, bool json)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public void Groups(JsonElement response)
    {
        if (Raw(response))
        {
            return;
        }

        var rows = Items(response);
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
                new Text(Integer(group, "count")), new Text(group.Text("tool") ?? ""), new Text(group.Text("fingerprint") ?? ""), new Text(Time(group, "lastAt")),
                new Text($"{group.Text("error")} ({group.Text("reason")})"));
        }

        console.Write(table);
    }

    /// <param name="response">A page of dead letters.</param>
    /// <param name="details">True: also print the arguments and every attempt.</param>
    public void List(JsonElement response, bool details)
    {
        if (Raw(response))
        {
            return;
        }

        var rows = Items(response);
        foreach (var deadLetter in rows)
        {
            Line(
                $"{deadLetter.Text("id")}  {deadLetter.Text("tool")}  {Time(deadLetter, "diedAt")}  "
                + $"attempts {Integer(deadLetter, "attempts")}, replays {Integer(deadLetter, "replayCount")}  {deadLetter.Text("fingerprint")}");
            Line($"    {deadLetter.Text("error")}");
            if (details)
            {
                Details(deadLetter);
            }
        }

        if (rows.Length == 0)
        {
            Line("No dead letter matches.");
        }

        if (response.Text("nextCursor") is { } cursor)
        {
            Line($"There are more: --cursor {cursor}");
        }
    }

    public void Changed(string verb, JsonElement response)
    {
        if (Raw(response))
        {
            return;
        }

        var (dryRun, matched, changed, skipped) = (response.Flag("dryRun") == true, Integer(response, "matched"), Integer(response, "changed"), response.Number("skipped") ?? 0);
        Line($"{changed} of {matched} dead letters {(dryRun ? "would be" : "were")} {(verb == "requeue" ? "requeued" : "discarded")}.");
        if (skipped > 0)
        {
            Line($"{skipped} stay: their question is being worked on already.");
        }

        if (Time(response, "lastDueAt") is { Length: > 0 } last)
        {
            Line($"The last one {(dryRun ? "would run" : "runs")} at {last} UTC.");
        }
    }

    private bool Raw(JsonElement response)
    {
        if (json)
        {
            Line(JsonSerializer.Serialize(response, Indented));
        }

        return json;
    }

    private void Details(JsonElement deadLetter)
    {
        Line($"    {deadLetter.Field("arguments")?.GetRawText()}");
        foreach (var attempt in ItemsOf(deadLetter, "history"))
        {
            Line($"      {Time(attempt, "startedAt")} – {Time(attempt, "endedAt")}  {attempt.Text("worker")}  {attempt.Text("error")}");
        }
    }

    /// <summary>
    /// Writes text without wrapping, for programs that read lines. Control characters become spaces, because text of an upstream or a user
    /// must not send escape sequences to the terminal.
    /// </summary>
    private void Line(string text) =>
        console.Profile.Out.Writer.WriteLine(string.Concat(text.Select(character => char.IsControl(character) && character is not '\n' ? ' ' : character)));

    private static JsonElement[] Items(JsonElement response) => ItemsOf(response, "items");

    private static JsonElement[] ItemsOf(JsonElement json, string name) => json.Field(name) is { ValueKind: JsonValueKind.Array } items ? [.. items.EnumerateArray()] : [];

    private static string Integer(JsonElement json, string name) => json.Number(name)?.ToString("0", CultureInfo.InvariantCulture) ?? "";

    private static string Time(JsonElement json, string name) =>
        DateTimeOffset.TryParse(json.Text(name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) : "";
}
