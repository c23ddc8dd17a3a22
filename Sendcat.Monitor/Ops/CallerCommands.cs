using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.Ops;

/// <summary><c>callers</c>, <c>block</c> and <c>unblock</c>: who uses most, and blocks of single callers.</summary>
internal static class CallerCommands
{
    private const string Path = "api/ops/callers";

    public static IReadOnlyList<Command> Create(OpsVerb verb) => [List(verb), Block(verb), Unblock(verb)];

    private static Command List(OpsVerb verb)
    {
        var minutes = new Option<int?>("--minutes") { Description = "The window, 1 to 1440 (OPS_DEFAULT_WINDOW_MINUTES)." };
        var limit = new Option<int?>("--limit") { Description = "Most callers, up to OPS_MAX_ROWS_PER_SECTION." };
        var by = new Option<string>("--by") { Description = "What they are sorted by.", DefaultValueFactory = _ => "cost" };
        by.AcceptOnlyFromAmong("cost", "tokens", "turns", "jobs", "refusals");
        var command = new Command("callers", "Who uses most, by hashed principal and by address, and who is blocked.")
        {
            minutes, limit, by, verb.UrlOption, verb.JsonOption,
        };
        verb.SetRequest(
            command,
            (parsed, service, stop) =>
            {
                var most = parsed.GetValue(limit) is { } rows ? string.Create(CultureInfo.InvariantCulture, $"&limit={rows}") : "";
                var window = parsed.GetValue(minutes) is { } given ? string.Create(CultureInfo.InvariantCulture, $"&minutes={given}") : "";
                return service.GetAsync($"{Path}?by={parsed.GetValue(by)}{most}{window}", stop);
            },
            Print);
        return command;
    }

    private static Command Block(OpsVerb verb)
    {
        var caller = Caller();
        var minutes = new Option<int>("--minutes")
        {
            Description = "How long, 1 to 10080; then the block ends by itself.", Required = true,
        };
        var reason = OpsVerb.Reason();
        var command = new Command("block", "Refuses the turns of a caller for some minutes, on all replicas within five seconds.")
        {
            caller, minutes, reason, verb.UrlOption, verb.JsonOption,
        };
        verb.SetRequest(
            command,
            (parsed, service, stop) => service.PostAsync(
                $"{Path}/block", new { caller = parsed.GetValue(caller), minutes = parsed.GetValue(minutes) }, parsed.GetValue(reason),
                stop),
            (printer, block) => printer.Line($"{block.Text("caller")} is blocked until {OpsPrinter.Time(block, "until")} UTC."));
        return command;
    }

    private static Command Unblock(OpsVerb verb)
    {
        var (caller, reason) = (Caller(), OpsVerb.Reason());
        var command = new Command("unblock", "Ends the block of a caller, on all replicas within five seconds.")
        {
            caller, reason, verb.UrlOption, verb.JsonOption,
        };
        verb.SetRequest(
            command,
            (parsed, service, stop) =>
                service.PostAsync($"{Path}/unblock", new { caller = parsed.GetValue(caller) }, parsed.GetValue(reason), stop),
            (printer, unblocked) => printer.Line($"{unblocked.Text("caller")} is not blocked any more."));
        return command;
    }

    private static Argument<string> Caller() =>
        new("caller")
        {
            Description =
                "user:#… or session:#… as ./sendcat callers shows it (in quotes), or an address; an IPv6 address stands for its /64.",
        };

    private static void Print(OpsPrinter printer, JsonElement response)
    {
        var callers = OpsPrinter.Items(response);
        printer.Line($"Callers of the last {OpsPrinter.Integer(response, "windowMinutes")} minutes{(callers.Length == 0 ? ": none" : "")}");
        printer.Columns(
        [
            .. callers.Select(caller => new[]
            {
                $"  {caller.Text("caller")}", $"turns {OpsPrinter.Integer(caller, "turns")}", $"jobs {OpsPrinter.Integer(caller, "jobs")}",
                $"refusals {OpsPrinter.Integer(caller, "refusals")}", $"tokens {OpsPrinter.Integer(caller, "tokens")}",
                OpsPrinter.Dollars(caller),
                caller.Text("blockedUntil") is null ? "" : $"blocked until {OpsPrinter.Time(caller, "blockedUntil")}",
            }),
        ]);
        if (OpsPrinter.ItemsOf(response, "blocked") is { Length: > 0 } blocked)
        {
            printer.Line("");
            printer.Line("Blocked");
            printer.Columns(
            [
                .. blocked.Select(block => new[]
                {
                    $"  {block.Text("caller")}", $"until {OpsPrinter.Time(block, "until")}", $"by {block.Text("blockedBy")}",
                    block.Text("reason") ?? "",
                }),
            ]);
        }
    }
}
