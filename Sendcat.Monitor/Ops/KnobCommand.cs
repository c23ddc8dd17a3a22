using System.CommandLine;
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

        var set = new Command("set", "Sets a setting on all replicas, until it is cleared.");
        var (setName, value, because) = (Name(), new Argument<string>("value") { Description = "The value, for instance 5, true or text." }, OpsVerb.Reason());
        set.Add(setName);
        set.Add(value);
        set.Add(because);
        set.SetAction((parsed, stop) => verb.RunAsync(parsed, async (service, printer) =>
        {
            Changed(printer, await service.PutAsync(Address(parsed.GetValue(setName)!), new { value = parsed.GetValue(value) }, parsed.GetValue(because), stop));
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

        printer.Columns([.. knobs.Select(knob => new[] { knob.Text("name") ?? "", knob.Text("value") ?? "", knob.Text("source") ?? "", knob.Text("range") ?? "" })]);
        foreach (var rejected in OpsPrinter.ItemsOf(response, "rejected"))
        {
            printer.Line($"Rejected: {rejected.Text("name")} {rejected.Text("reason")}");
        }
    }

    private static void Changed(OpsPrinter printer, JsonElement response)
    {
        if (!printer.Raw(response))
        {
            printer.Line($"{response.Text("name")} is {response.Text("value")} now{(response.Text("before") is { } before ? $"; the operators' value before was {before}" : "")}.");
        }
    }
}
