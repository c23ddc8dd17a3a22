using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sendcat.Monitor.Chat;
using Spectre.Console;

namespace Sendcat.Monitor.Ops;

/// <summary><c>knob list|set|clear</c>: the settings in force, and their changes on all replicas.</summary>
internal static class KnobCommand
{
    private const string Path = "api/ops/knobs";

    /// <param name="console">Null: the terminal.</param>
    /// <param name="errors">Null: standard error.</param>
    /// <param name="key">Null: the key from <see cref="OpsKeyFile.Find"/>.</param>
    public static Command Create(IAnsiConsole? console = null, TextWriter? errors = null, string? key = null)
    {
        var verb = new OpsVerb(console, errors, key);
        var command = new Command("knob", "The settings: lists them, or changes one on all replicas within five seconds.") { verb.UrlOption, verb.JsonOption };

        var list = new Command("list", "Settings with value, source and range.");
        var part = new Argument<string?>("name") { Description = "Only settings whose name contains this.", Arity = ArgumentArity.ZeroOrOne };
        var changed = new Option<bool>("--changed") { Description = "Only settings that an operator has changed." };
        list.Add(part);
        list.Add(changed);
        list.SetAction((parsed, stop) => verb.RunAsync(parsed, async (service, printer) =>
        {
            List(printer, await service.GetAsync(Path, stop), parsed.GetValue(part), parsed.GetValue(changed));
            return ExitCode.Pass;
        }));
        command.Add(list);

        var set = new Command("set", "Sets a setting on all replicas, until it is cleared or for a time.");
        var (setName, value, because) = (Name(), new Argument<string>("value") { Description = "The value, for instance 5, true or text." }, OpsVerb.Reason());
        var term = Term();
        set.Add(setName);
        set.Add(value);
        set.Add(term);
        set.Add(because);
        set.SetAction((parsed, stop) => verb.RunAsync(parsed, async (service, printer) =>
        {
            var setting = new { value = parsed.GetValue(value), forSeconds = Seconds(parsed.GetValue(term)) };
            Changed(printer, await service.PutAsync(Address(parsed.GetValue(setName)!), setting, parsed.GetValue(because), stop));
            return ExitCode.Pass;
        }));
        command.Add(set);

        var clear = new Command("clear", "Removes the change of an operator, so that the configuration applies again.");
        var (clearName, why) = (Name(), OpsVerb.Reason());
        clear.Add(clearName);
        clear.Add(why);
        clear.SetAction((parsed, stop) => verb.RunAsync(parsed, async (service, printer) =>
        {
            Changed(printer, await service.DeleteAsync(Address(parsed.GetValue(clearName)!), parsed.GetValue(why), stop));
            return ExitCode.Pass;
        }));
        command.Add(clear);
        return command;
    }

    private static Argument<string> Name() => new("name") { Description = "The environment variable of the setting, for instance ADMISSION_USER_MAX_INFLIGHT." };

    private static Option<string?> Term()
    {
        var term = new Option<string?>("--for")
        {
            Description = "Ends the change by itself after this time, for instance 90s, 15m, 4h or 1d; then the value of before applies.",
        };
        term.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && Seconds(text) is null)
            {
                result.AddError("--for takes a time such as 90s, 15m, 4h or 1d");
            }
        });
        return term;
    }

    /// <summary>The seconds of a time such as <c>15m</c>; null: it is no time. The service checks its range.</summary>
    private static int? Seconds(string? text) =>
        text is { Length: > 1 }
            && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && (text[^1] switch { 's' => 1L, 'm' => 60L, 'h' => 3_600L, 'd' => 86_400L, _ => 0L }) is > 0 and var unit
            ? (int)Math.Min(count * unit, int.MaxValue) : null;

    private static string Address(string name) => $"{Path}/{Uri.EscapeDataString(name)}";

    private static void List(OpsPrinter printer, JsonElement response, string? part, bool onlyChanged)
    {
        if (printer.Raw(response))
        {
            return;
        }

        var knobs = OpsPrinter.Items(response)
            .Where(knob => part is null || knob.Text("name")?.Contains(part, StringComparison.OrdinalIgnoreCase) == true)
            .Where(knob => !onlyChanged || knob.Text("source") == "override").ToList();
        if (knobs.Count == 0)
        {
            printer.Line("No setting matches.");
        }

        printer.Columns(
        [
            .. knobs.Select(knob => new[]
            {
                knob.Text("name") ?? "", knob.Text("value") ?? "", knob.Text("source") ?? "", knob.Text("range") ?? "", Override(knob),
            }),
        ]);
        foreach (var rejected in OpsPrinter.ItemsOf(response, "rejected"))
        {
            printer.Line($"Rejected: {rejected.Text("name")} {rejected.Text("reason")}");
        }
    }

    /// <summary>What an operator's value replaces, and until when.</summary>
    private static string Override(JsonElement knob) =>
        knob.Text("configured") is not { } configured ? ""
        : $"instead of {Shown(configured)}, by {knob.Text("setBy")}" + (knob.Text("until") is null ? "" : $", until {Ends(knob)}");

    private static void Changed(OpsPrinter printer, JsonElement response)
    {
        if (printer.Raw(response))
        {
            return;
        }

        var (name, before) = (response.Text("name"), response.Text("before"));
        printer.Line(
            $"{name} is {response.Text("value")} now{(response.Text("until") is null ? "" : $", until {Ends(response)}")}"
            + $"{(before is null ? "" : $"; the operators' value before was {before}")}.");
        if (response.Text("warning") is { } warning)
        {
            printer.Line($"Note: {warning}.");
        }
    }

    private static string Ends(JsonElement knob) =>
        $"{OpsPrinter.Time(knob, "until")} UTC, then {(knob.Text("then") is { } then ? Shown(then) : "as configured")}";

    private static string Shown(string value) => value.Length == 0 ? "nothing" : value;
}
