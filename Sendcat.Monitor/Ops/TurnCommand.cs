using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.Ops;

/// <summary>
/// <c>turn ID</c>: one turn as a timeline, found by any of its ids: stream, message, thread or trace, also one that the client gave. An id
/// of several turns lists them.
/// </summary>
internal static class TurnCommand
{
    private const string Path = "api/ops/turns";

    public static Command Create(OpsVerb verb)
    {
        var id = new Argument<string?>("id")
        {
            Description = "A stream, message, thread or trace id, also a client's; without one the newest turns are listed.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var limit = new Option<int?>("--limit") { Description = "Most turns to list, up to OPS_MAX_ROWS_PER_SECTION." };
        var command = new Command(
            "turn", "One turn as a timeline: admission, routes, first token, tool jobs, end, and what it waits for now.")
        {
            id, limit, verb.UrlOption, verb.JsonOption,
        };
        verb.SetAction(command, async (parsed, service, printer, stop) =>
        {
            var most = parsed.GetValue(limit) is { } rows ? string.Create(CultureInfo.InvariantCulture, $"&limit={rows}") : "";
            var query = parsed.GetValue(id) is { Length: > 0 } text ? $"id={Uri.EscapeDataString(text)}" : "";
            var list = await service.GetAsync($"{Path}?{query}{most}", stop);
            var turns = OpsPrinter.Items(list);
            if (turns is [var only] && query.Length > 0)
            {
                var turn = await service.GetAsync($"{Path}/{only.Text("id")}", stop);
                if (!printer.Raw(turn))
                {
                    Print(printer, turn);
                }

                return ExitCode.Pass;
            }

            if (!printer.Raw(list))
            {
                List(printer, turns);
            }

            return turns.Length == 0 ? ExitCode.Fail : ExitCode.Pass;
        });
        return command;
    }

    private static void List(OpsPrinter printer, JsonElement[] turns)
    {
        if (turns.Length == 0)
        {
            printer.Line("No turn has this id.");
        }

        printer.Columns([
            .. turns.Select(turn => new[]
            {
                OpsPrinter.Time(turn, "startedAt"), turn.Text("id") ?? "", turn.Text("endReason") ?? turn.Text("status") ?? "",
                $"{OpsPrinter.Integer(turn, "durationMs")} ms", turn.Text("model") ?? "", turn.Text("principal") ?? "",
            }),
        ]);
    }

    private static void Print(OpsPrinter printer, JsonElement turn)
    {
        printer.Line($"Turn {turn.Text("id")} of {turn.Text("principal")}: {turn.Text("endReason") ?? "running"}");
        var trace = turn.Text("traceId") is { } id ? $", trace {id}" : "";
        printer.Line($"  thread {turn.Text("threadId")}, message {turn.Text("messageId")}{trace}");
        string?[] facts =
        [
            turn.Text("model"), $"{OpsPrinter.Integer(turn, "durationMs")} ms",
            turn.Number("firstTokenMs") is { } first
                ? string.Create(CultureInfo.InvariantCulture, $"first token after {first:0} ms")
                : null,
            turn.Number("tokens") is { } tokens ? string.Create(CultureInfo.InvariantCulture, $"{tokens:0} tokens") : null,
            turn.Number("costUsd") is { } cost ? string.Create(CultureInfo.InvariantCulture, $"{cost:0.######} USD") : null,
        ];
        printer.Line($"  {string.Join(", ", facts.OfType<string>())}");
        printer.Line("");
        printer.Columns([
            .. OpsPrinter.ItemsOf(turn, "events").Select(step => new[]
            {
                $"  {OpsPrinter.Time(step, "at")}", Offset(step), step.Text("title") ?? "", step.Text("detail") ?? "",
            }),
        ]);
        if (turn.Field("waitsFor")?.Text("text") is { } wait)
        {
            printer.Line("");
            printer.Line($"Waits: {wait}");
        }
    }

    private static string Offset(JsonElement step) =>
        string.Create(CultureInfo.InvariantCulture, $"{(step.Number("offsetMs") ?? 0) / 1000:+0.000;-0.000;+0.000} s");
}
