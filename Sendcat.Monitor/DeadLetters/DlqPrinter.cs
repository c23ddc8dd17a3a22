using System.Text.Json;
using Sendcat.Monitor.Chat;
using Sendcat.Monitor.Ops;
using Spectre.Console;

namespace Sendcat.Monitor.DeadLetters;

/// <summary>Prints responses about dead letters as tables and lines.</summary>
internal static class DlqPrinter
{
    public static void Groups(OpsPrinter printer, JsonElement response)
    {
        var rows = OpsPrinter.Items(response);
        if (rows.Length == 0)
        {
            printer.Line("There are no dead letters.");
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
                new Text(OpsPrinter.Integer(group, "count")), new Text(group.Text("tool") ?? ""), new Text(group.Text("fingerprint") ?? ""),
                new Text(OpsPrinter.Time(group, "lastAt")), new Text($"{group.Text("error")} ({group.Text("reason")})"));
        }

        printer.Table(table);
    }

    /// <param name="response">A page of dead letters.</param>
    /// <param name="details">True: also print the arguments and every attempt.</param>
    public static void List(OpsPrinter printer, JsonElement response, bool details)
    {
        var rows = OpsPrinter.Items(response);
        foreach (var deadLetter in rows)
        {
            printer.Line(
                $"{deadLetter.Text("id")}  {deadLetter.Text("tool")}  {OpsPrinter.Time(deadLetter, "diedAt")}  "
                + $"attempts {OpsPrinter.Integer(deadLetter, "attempts")}, {Replays(deadLetter)}  {deadLetter.Text("fingerprint")}");
            printer.Line($"    {deadLetter.Text("error")}");
            if (details)
            {
                Details(printer, deadLetter);
            }
        }

        if (rows.Length == 0)
        {
            printer.Line("No dead letter matches.");
        }

        if (response.Text("nextCursor") is { } cursor)
        {
            printer.Line($"There are more: --cursor {cursor}");
        }
    }

    public static void Changed(OpsPrinter printer, string verb, JsonElement response)
    {
        var (dryRun, skipped) = (response.Flag("dryRun") == true, response.Number("skipped") ?? 0);
        var (matched, changed) = (OpsPrinter.Integer(response, "matched"), OpsPrinter.Integer(response, "changed"));
        printer.Line(
            $"{changed} of {matched} dead letters {(dryRun ? "would be" : "were")} {(verb == "requeue" ? "requeued" : "discarded")}.");
        if (skipped > 0)
        {
            printer.Line($"{skipped} stay: their question is being worked on already.");
        }

        if (OpsPrinter.Time(response, "lastDueAt") is { Length: > 0 } last)
        {
            printer.Line($"The last one {(dryRun ? "would run" : "runs")} at {last} UTC.");
        }
    }

    public static void Count(OpsPrinter printer, JsonElement response) =>
        printer.Line($"{OpsPrinter.Integer(response, "matched")} dead letters match.");

    public static void Started(OpsPrinter printer, JsonElement change) =>
        printer.Line($"{OpsPrinter.Integer(change, "matched")} dead letters are being changed: ./sendcat dlq changes {change.Text("id")}");

    /// <param name="response">A page of changes, or one change.</param>
    public static void BulkChanges(OpsPrinter printer, JsonElement response)
    {
        var changes = response.Field("items") is null ? [response] : OpsPrinter.Items(response);
        foreach (var change in changes)
        {
            var state = change.Flag("cancelled") == true ? $"{change.Text("state")}, cancelled" : change.Text("state");
            var waits = change.Text("waitsFor") is { } provider ? $", waits for the circuit of {provider}" : "";
            printer.Line($"{change.Text("id")}  {change.Text("action")}  {OpsPrinter.Time(change, "createdAt")}  {state}{waits}");
            printer.Line($"    {change.Text("target")}  by {change.Text("actor")}: {change.Text("reason")}");
            printer.Line(
                $"    {OpsPrinter.Integer(change, "changed")} of {OpsPrinter.Integer(change, "matched")} changed, "
                + $"{OpsPrinter.Integer(change, "skipped")} skipped{(change.Field("report") is { } report ? Report(report) : "")}");
        }

        if (changes.Length == 0)
        {
            printer.Line("There were no changes.");
        }
    }

    private static string Replays(JsonElement deadLetter) =>
        deadLetter.Field("lastReplay") is { } last
            ? $"requeued {OpsPrinter.Integer(deadLetter, "replayCount")} {(deadLetter.Number("replayCount") == 1 ? "time" : "times")}, "
                + $"last result {last.Text("result")}"
            : "never requeued";

    private static string Report(JsonElement report) =>
        $": {OpsPrinter.Integer(report, "whole")} whole, {OpsPrinter.Integer(report, "partial")} partial, "
        + $"{OpsPrinter.Integer(report, "failed")} failed, {OpsPrinter.Integer(report, "pending")} pending";

    private static void Details(OpsPrinter printer, JsonElement deadLetter)
    {
        printer.Line($"    {deadLetter.Field("arguments")?.GetRawText()}");
        foreach (var attempt in OpsPrinter.ItemsOf(deadLetter, "history"))
        {
            var (started, ended) = (OpsPrinter.Time(attempt, "startedAt"), OpsPrinter.Time(attempt, "endedAt"));
            printer.Line($"      {started} – {ended}  {attempt.Text("worker")}  {attempt.Text("error")}");
        }
    }
}
