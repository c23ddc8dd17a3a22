using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.Ops;

/// <summary>
/// <c>timeline</c>: what happened to the system in the last minutes, the oldest first: circuits, starts and ends of processes, restarts of
/// the stores, changes by operators, alerts.
/// </summary>
internal static class TimelineCommand
{
    private const int MaxRows = 5_000;

    public static Command Create(OpsVerb verb, TimeProvider time)
    {
        var minutes = new Option<int>("--minutes") { Description = "How far to look back.", DefaultValueFactory = _ => 60 };
        minutes.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--minutes is a number from 1");
            }
        });
        var kinds = new Option<string?>("--kinds")
        {
            Description = "Only these, separated by commas, for instance circuit_opened,alert_raised.",
        };
        var command = new Command("timeline", "What happened to the system: circuits, restarts, changes by operators, alerts.")
        {
            minutes, kinds, verb.UrlOption, verb.JsonOption,
        };
        verb.SetAction(command, async (parsed, service, printer, stop) =>
        {
            var from = time.GetUtcNow().AddMinutes(-parsed.GetValue(minutes));
            var only = parsed.GetValue(kinds) is { } given ? $"&kinds={Uri.EscapeDataString(given)}" : "";
            var query = string.Create(
                CultureInfo.InvariantCulture, $"api/ops/timeline?from={from.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}{only}");
            var (page, entries) = (await service.GetAsync(query, stop), new List<JsonElement>());
            if (printer.Raw(page))
            {
                return ExitCode.Pass;
            }

            entries.AddRange(OpsPrinter.Items(page));
            while (page.Text("nextCursor") is { } cursor && entries.Count < MaxRows)
            {
                page = await service.GetAsync($"{query}&cursor={Uri.EscapeDataString(cursor)}", stop);
                entries.AddRange(OpsPrinter.Items(page));
            }

            Print(printer, entries);
            return ExitCode.Pass;
        });
        return command;
    }

    private static void Print(OpsPrinter printer, List<JsonElement> entries)
    {
        if (entries.Count == 0)
        {
            printer.Line("Nothing happened.");
        }

        printer.Columns([
            .. Enumerable.Reverse(entries).Select(entry => new[]
            {
                OpsPrinter.Time(entry, "at"), entry.Text("subject") ?? "", entry.Text("title") ?? "",
                string.Join("; ", new[] { entry.Text("detail"), Change(entry) }.OfType<string>()),
            }),
        ]);
    }

    /// <summary>Who made a change, and why; null: it is no change by an operator.</summary>
    private static string? Change(JsonElement entry) =>
        entry.Text("actor") is { } actor ? $"{actor}: {entry.Text("reason")}" : null;
}
