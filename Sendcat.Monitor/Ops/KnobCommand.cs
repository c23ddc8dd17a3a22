using System.CommandLine;
using System.Text.Json;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.Ops;

/// <summary><c>knob list|set|clear</c>: the settings in force, and their changes on all replicas.</summary>
internal static class KnobCommand
{
    private const string Path = "api/ops/knobs";

    public static Command Create(OpsVerb verb) =>
        new("knob", "The settings: lists them, or changes one on all replicas within five seconds.")
        {
            verb.UrlOption, verb.JsonOption, List(verb), Set(verb), Clear(verb),
        };

    private static Command List(OpsVerb verb)
    {
        var part = new Argument<string?>("name")
        {
            Description = "Only settings whose name contains this.", Arity = ArgumentArity.ZeroOrOne,
        };
        var changed = new Option<bool>("--changed") { Description = "Only settings that an operator has changed." };
        var list = new Command("list", "Settings with value, source and range.") { part, changed };
        verb.SetAction(list, async (parsed, service, printer, stop) =>
        {
            var response = await service.GetAsync(Path, stop);
            if (!printer.Raw(response))
            {
                Print(printer, response, parsed.GetValue(part), parsed.GetValue(changed));
            }

            return ExitCode.Pass;
        });
        return list;
    }

    private static Command Set(OpsVerb verb)
    {
        var (name, term, reason) = (Name(), OpsVerb.Term(), OpsVerb.Reason());
        var value = new Argument<string>("value") { Description = "The value, for instance 5, true or text." };
        var set = new Command("set", "Sets a setting on all replicas, until it is cleared or for a time.") { name, value, term, reason };
        verb.SetRequest(
            set,
            (parsed, service, stop) =>
            {
                var setting = new { value = parsed.GetValue(value), forSeconds = OpsVerb.Seconds(parsed.GetValue(term)) };
                return service.PutAsync(Address(parsed.GetValue(name)!), setting, parsed.GetValue(reason), stop);
            },
            Changed);
        return set;
    }

    private static Command Clear(OpsVerb verb)
    {
        var (name, reason) = (Name(), OpsVerb.Reason());
        var clear = new Command("clear", "Removes the change of an operator, so that the configuration applies again.") { name, reason };
        verb.SetRequest(
            clear,
            (parsed, service, stop) => service.DeleteAsync(Address(parsed.GetValue(name)!), parsed.GetValue(reason), stop),
            Changed);
        return clear;
    }

    private static Argument<string> Name() =>
        new("name") { Description = "The environment variable of the setting, for instance ADMISSION_USER_MAX_INFLIGHT." };

    private static string Address(string name) => $"{Path}/{Uri.EscapeDataString(name)}";

    private static void Print(OpsPrinter printer, JsonElement response, string? part, bool onlyChanged)
    {
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
