using System.CommandLine;
using System.Text.Json;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.Ops;

/// <summary><c>ops-key list|make|revoke</c>: the keys by name of operators and viewers.</summary>
internal static class OpsKeyCommand
{
    private const string Path = "api/ops/keys";

    public static Command Create(OpsVerb verb) =>
        new("ops-key", "Keys by name for operators and viewers: lists, makes or revokes them.")
        {
            verb.UrlOption, verb.JsonOption, List(verb), Make(verb), Revoke(verb),
        };

    private static Command List(OpsVerb verb)
    {
        var list = new Command("list", "The valid keys and the last revoked ones, without the keys themselves.");
        verb.SetRequest(list, (_, service, stop) => service.GetAsync(Path, stop), Print);
        return list;
    }

    private static Command Make(OpsVerb verb)
    {
        var (name, reason) = (Name(), OpsVerb.Reason());
        var role = new Option<string>("--role")
        {
            Description = "viewer reads, operator also changes.", DefaultValueFactory = _ => "viewer",
        };
        role.AcceptOnlyFromAmong("viewer", "operator");
        var make = new Command("make", "Makes a key and prints it, the only time that it is shown.") { name, role, reason };
        verb.SetRequest(
            make,
            (parsed, service, stop) => service.PostAsync(
                Path, new { name = parsed.GetValue(name), role = parsed.GetValue(role) }, parsed.GetValue(reason), stop),
            (printer, made) => printer.Line(made.Text("key") ?? ""));
        return make;
    }

    private static Command Revoke(OpsVerb verb)
    {
        var (name, reason) = (Name(), OpsVerb.Reason());
        var revoke = new Command("revoke", "Revokes a key on all replicas, within two seconds.") { name, reason };
        verb.SetRequest(
            revoke,
            (parsed, service, stop) =>
                service.DeleteAsync($"{Path}/{Uri.EscapeDataString(parsed.GetValue(name)!)}", parsed.GetValue(reason), stop),
            (printer, revoked) => printer.Line($"The {revoked.Text("role")} key {revoked.Text("name")} is revoked."));
        return revoke;
    }

    private static Argument<string> Name() =>
        new("name") { Description = "Of the person or program that has the key: 1–40 of a-z 0-9 . _ -" };

    private static void Print(OpsPrinter printer, JsonElement response)
    {
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
