using System.Text.Json;
using Sendcat.Monitor.Chat;
using Sendcat.Monitor.Ops;
using Spectre.Console;

namespace Sendcat.Monitor.DeadLetters;

/// <summary>Prints responses about dead letters: as tables and lines, or with <c>--json</c> as the service sent them.</summary>
internal sealed class DlqPrinter(IAnsiConsole console, bool json) : OpsPrinter(console, json)
{
    private readonly IAnsiConsole _console = console;

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

        _console.Write(table);
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
                + $"attempts {Integer(deadLetter, "attempts")}, {Replays(deadLetter)}  {deadLetter.Text("fingerprint")}");
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

    public void Count(JsonElement response)
    {
        if (!Raw(response))
        {
            Line($"{Integer(response, "matched")} dead letters match.");
        }
    }

    public void Started(JsonElement change)
    {
        if (!Raw(change))
        {
            Line($"{Integer(change, "matched")} dead letters are being changed: ./sendcat dlq changes {change.Text("id")}");
        }
    }

    /// <param name="response">A page of changes, or one change.</param>
    public void BulkChanges(JsonElement response)
    {
        if (Raw(response))
        {
            return;
        }

        var changes = response.Field("items") is null ? [response] : Items(response);
        foreach (var change in changes)
        {
            var state = change.Flag("cancelled") == true ? $"{change.Text("state")}, cancelled" : change.Text("state");
            Line($"{change.Text("id")}  {change.Text("action")}  {Time(change, "createdAt")}  {state}{(change.Text("waitsFor") is { } provider ? $", waits for the circuit of {provider}" : "")}");
            Line($"    {change.Text("target")}  by {change.Text("actor")}: {change.Text("reason")}");
            Line($"    {Integer(change, "changed")} of {Integer(change, "matched")} changed, {Integer(change, "skipped")} skipped{(change.Field("report") is { } report ? Report(report) : "")}");
        }

        if (changes.Length == 0)
        {
            Line("There were no changes.");
        }
    }

    private static string Replays(JsonElement deadLetter) =>
        deadLetter.Field("lastReplay") is { } last
            ? $"requeued {Integer(deadLetter, "replayCount")} {(deadLetter.Number("replayCount") == 1 ? "time" : "times")}, "
                + $"last result {last.Text("result")}"
            : "never requeued";

    private static string Report(JsonElement report) =>
        $": {Integer(report, "whole")} whole, {Integer(report, "partial")} partial, {Integer(report, "failed")} failed, {Integer(report, "pending")} pending";

    private void Details(JsonElement deadLetter)
    {
        Line($"    {deadLetter.Field("arguments")?.GetRawText()}");
        foreach (var attempt in ItemsOf(deadLetter, "history"))
        {
            Line($"      {Time(attempt, "startedAt")} – {Time(attempt, "endedAt")}  {attempt.Text("worker")}  {attempt.Text("error")}");
        }
    }
}
