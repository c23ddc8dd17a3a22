using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.Ops;

/// <summary>
/// <c>snapshot</c>: limits, admission, circuits, bulkheads, webhooks, cache, tool queue, costs and suspended accounts at one moment.
/// </summary>
internal static class SnapshotCommand
{
    public static Command Create(OpsVerb verb)
    {
        var minutes = new Option<int?>("--minutes")
        {
            Description = "The window of events, alerts and ended jobs, 1 to 1440 (OPS_DEFAULT_WINDOW_MINUTES).",
        };
        var limit = new Option<int?>("--limit")
        {
            Description = "Most rows of each list, from 5 (OPS_MAX_ROWS_PER_SECTION is default and maximum).",
        };
        var command = new Command("snapshot", "The state of the guards and of the tool queue; --json prints all of it.")
        {
            minutes, limit, verb.UrlOption, verb.JsonOption,
        };
        verb.SetRequest(
            command,
            (parsed, service, stop) =>
            {
                string?[] query = [Parameter("minutes", parsed.GetValue(minutes)), Parameter("limit", parsed.GetValue(limit))];
                return service.GetAsync($"api/ops/snapshot?{string.Join('&', query.OfType<string>())}", stop);
            },
            Print);
        return command;
    }

    private static string? Parameter(string name, int? value) =>
        value is { } given ? string.Create(CultureInfo.InvariantCulture, $"{name}={given}") : null;

    private static void Print(OpsPrinter printer, JsonElement snapshot)
    {
        printer.Line(
            $"Snapshot of {OpsPrinter.Time(snapshot, "generatedAt")} UTC, last {OpsPrinter.Integer(snapshot, "windowMinutes")} minutes");
        if (snapshot.Field("chatAdmission") is { } admission)
        {
            printer.Line("");
            printer.Line("Admission");
            printer.Columns([.. new[] { "enforce", "shadow" }.Select(mode => Row(mode, admission.Field(mode)))]);
        }

        if (snapshot.Field("rateLimitPressure") is { } pressure)
        {
            Section(
                printer,
                $"Limits: {OpsPrinter.Integer(pressure, "sampledEvents")} events, {OpsPrinter.Integer(pressure, "alertsInWindow")} alerts",
                Numbers(pressure.Field("byBucketOutcome")));
        }

        if (snapshot.Field("circuitBreakers") is { } circuits)
        {
            Section(
                printer, $"Circuits: {OpsPrinter.Integer(circuits, "openCount")} open",
                [
                    .. OpsPrinter.ItemsOf(circuits, "recent")
                        .Where(circuit => circuit.Text("state") != "closed" || circuit.Number("failureCount") > 0)
                        .Select(circuit => new[]
                    {
                        $"  {circuit.Text("provider")}", circuit.Text("state") ?? "",
                        $"failures {OpsPrinter.Integer(circuit, "failureCount")}",
                        circuit.Text("suspended") is { } suspended ? $"suspended: {suspended}" : OpsPrinter.Time(circuit, "cooldownUntil"),
                        circuit.Text("lastError") ?? "",
                    }),
                ]);
        }

        if (snapshot.Field("bulkheads") is { } bulkheads)
        {
            Section(
                printer, $"Bulkheads: {OpsPrinter.Integer(bulkheads, "activeLeaseCount")} slots in use",
                Numbers(bulkheads.Field("inFlightByProvider"), onlyPositive: true));
        }

        if (snapshot.Field("replayProtection") is { } replay)
        {
            var (keys, repetitions) = (OpsPrinter.Integer(replay, "keysInWindow"), OpsPrinter.Integer(replay, "duplicateHitsInWindow"));
            Section(printer, $"Webhooks: {keys} keys, {repetitions} repetitions", []);
        }

        if (snapshot.Field("toolCache") is { } cache)
        {
            Section(
                printer, $"Tool cache: {OpsPrinter.Integer(cache, "sampledActiveEntries")} entries", Numbers(cache.Field("byNamespace")));
        }

        if (snapshot.Field("toolJobs") is { } jobs)
        {
            Section(
                printer,
                $"Tool jobs: oldest queued {OpsPrinter.Integer(jobs, "oldestQueuedAgeMs")} ms, "
                + $"oldest running {OpsPrinter.Integer(jobs, "oldestRunningAgeMs")} ms",
                jobs.Field("byTool") is { ValueKind: JsonValueKind.Object } tools
                    ? [.. tools.EnumerateObject().Select(tool => Row(tool.Name, tool.Value))]
                    : []);
        }

        if (snapshot.Field("cost") is { } cost)
        {
            var unpriced = cost.Number("unpricedTurns") > 0
                ? $", {OpsPrinter.Integer(cost, "unpricedTurns")} turns without a known price"
                : "";
            var budget = cost.Number("budgetUsdPerPrincipalPerDay") is > 0 and var most
                ? string.Create(CultureInfo.InvariantCulture, $", budget {most} USD")
                : "";
            Section(
                printer, $"Cost: {OpsPrinter.Dollars(cost)} of {OpsPrinter.Integer(cost, "turns")} turns{unpriced}{budget}",
                [
                    .. OpsPrinter.ItemsOf(cost, "byModel").Select(model => new[]
                    {
                        $"  {model.Text("model")}", OpsPrinter.Dollars(model), $"turns {OpsPrinter.Integer(model, "turns")}",
                        $"calls {OpsPrinter.Integer(model, "calls")}",
                        $"tokens {OpsPrinter.Integer(model, "promptTokens")} + {OpsPrinter.Integer(model, "completionTokens")}",
                        model.Number("unpricedTurns") > 0 ? $"unpriced {OpsPrinter.Integer(model, "unpricedTurns")}" : "",
                    }),
                ]);
        }

        if (OpsPrinter.ItemsOf(snapshot, "suspendedAccounts") is { Length: > 0 } accounts)
        {
            Section(
                printer, "Suspended accounts",
                [
                    .. accounts.Select(account => new[]
                    {
                        $"  {account.Text("provider")}", account.Text("suspended") ?? "", $"since {OpsPrinter.Time(account, "since")}",
                        $"next probe {OpsPrinter.Time(account, "nextProbeAt")}",
                    }),
                ]);
        }

        if (snapshot.Field("toolQueueAlerts") is { } alerts)
        {
            Section(
                printer, $"Queue alerts: {OpsPrinter.Integer(alerts, "alertsInWindow")}",
                [
                    .. OpsPrinter.ItemsOf(alerts, "recent").Take(5)
                        .Select(
                            alert => new[]
                            {
                                $"  {OpsPrinter.Time(alert, "createdAt")}", alert.Text("kind") ?? "",
                                $"{OpsPrinter.Integer(alert, "observed")} > {OpsPrinter.Integer(alert, "threshold")}",
                            }),
                ]);
        }
    }

    private static void Section(OpsPrinter printer, string title, IReadOnlyList<string[]> rows)
    {
        printer.Line("");
        printer.Line(title);
        printer.Columns(rows);
    }

    /// <summary>A name and each number of an object.</summary>
    private static string[] Row(string name, JsonElement? counts) =>
        counts is { ValueKind: JsonValueKind.Object } numbers
            ? [$"  {name}", .. numbers.EnumerateObject().Select(number => $"{number.Name} {number.Value}")]
            : [$"  {name}"];

    private static IReadOnlyList<string[]> Numbers(JsonElement? counts, bool onlyPositive = false) =>
        counts is { ValueKind: JsonValueKind.Object } numbers
            ? [
                .. numbers.EnumerateObject().Where(number => !onlyPositive || number.Value.GetInt64() > 0)
                    .Select(number => new[] { $"  {number.Name}", number.Value.ToString() })]
            : [];
}
