using System.CommandLine;
using System.Text.Json;
using Sendcat.Monitor.Chat;
using Spectre.Console;

namespace Sendcat.Monitor.Ops;

/// <summary><c>ops-key list|make|revoke</c>: the keys by name of operators and viewers.</summary>
internal static class OpsKeyCommand
{
    private const string Path = "api/ops/keys";

    /// <param name="console">Null: the terminal.</param>
    /// <param name="errors">Null: standard error.</param>
    /// <param name="key">Null: the key from <see cref="OpsKeyFile.Find"/>.</param>
    public static Command Create(IAnsiConsole? console = null, TextWriter? errors = null, string? key = null)
    {
        var verb = new OpsVerb(console, errors, key);
        var name = new Argument<string>("name") { Description = "Of the person or program that has the key: 1–40 of a-z 0-9 . _ -" };
        var command = new Command("ops-key", "Keys by name for operators and viewers: lists, makes or revokes them.")
        {
            verb.UrlOption, verb.JsonOption,
        };

        var list = new Command("list", "The valid keys and the last revoked ones, without the keys themselves.");
        list.SetAction((parsed, stop) => verb.RunAsync(parsed, async (service, printer) =>
        {
            List(printer, await service.GetAsync(Path, stop));
            return ExitCode.Pass;
        }));
        command.Add(list);

        var make = new Command("make", "Makes a key and prints it, the only time that it is shown.");
        var role = new Option<string>("--role")
        {
            Description = "viewer reads, operator also changes.", DefaultValueFactory = _ => "viewer",
        };
        role.AcceptOnlyFromAmong("viewer", "operator");
        var because = OpsVerb.Reason();
        make.Add(name);
        make.Add(role);
        make.Add(because);
        make.SetAction((parsed, stop) => verb.RunAsync(parsed, async (service, printer) =>
        {
            var made = await service.PostAsync(Path, new { name = parsed.GetValue(name), role = parsed.GetValue(role) },
                parsed.GetValue(because), stop);
            if (!printer.Raw(made))
            {
                printer.Line(made.Text("key") ?? "");
            }

            return ExitCode.Pass;
        }));
        command.Add(make);

        var revoke = new Command("revoke", "Revokes a key on all replicas, within two seconds.");
        var why = OpsVerb.Reason();
        revoke.Add(name);
        revoke.Add(why);
        revoke.SetAction((parsed, stop) => verb.RunAsync(parsed, async (service, printer) =>
        {
            var revoked = await service.DeleteAsync($"{Path}/{Uri.EscapeDataString(parsed.GetValue(name)!)}", parsed.GetValue(why), stop);
            if (!printer.Raw(revoked))
            {
                printer.Line($"The {revoked.Text("role")} key {revoked.Text("name")} is revoked.");
            }

            return ExitCode.Pass;
        }));
        command.Add(revoke);
        return command;
    }

    private static void List(OpsPrinter printer, JsonElement response)
    {
        if (printer.Raw(response))
        {
            return;
        }

        var rows = OpsPrinter.Items(response).Concat(OpsPrinter.ItemsOf(response, "revoked")).Select(key => new[]
        {
            key.Text("name") ?? "", key.Text("role") ?? "", $"made {OpsPrinter.Time(key, "madeAt")} by {key.Text("madeBy")}",
            key.Text("revokedBy") is { } by ? $"revoked {OpsPrinter.Time(key, "revokedAt")} by {by}" : "valid",
        }).ToList();
        if (rows.Count == 0)
        {
            printer.Line("There are no keys by name.");
        }

        printer.Columns(rows);
    }
}
