using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.Ops;

/// <summary><c>replicas</c>: every replica and worker side by side; drains, restarts and releases one.</summary>
internal static class ReplicaCommand
{
    private const string Path = "api/ops/replicas";

    public static Command Create(OpsVerb verb)
    {
        var command = new Command("replicas", "Replicas and workers: what each holds and whether it is drained; drains or restarts one.")
        {
            verb.UrlOption, verb.JsonOption,
        };
        verb.SetRequest(command, (_, service, stop) => service.GetAsync(Path, stop), List);

        var force = new Option<bool>("--force") { Description = "Also the last one of its kind that takes work." };
        var wait = new Option<int?>("--wait-seconds") { Description = "Longest wait for what runs, 0 to 3600 (300)." };
        command.Add(Change(
            verb, "drain", "Lets one begin no new turns and jobs within five seconds; what runs goes on.", [force],
            parsed => Query(("force", Flag(parsed.GetValue(force)))),
            changed => $"{changed.Text("id")} begins no new work within five seconds. ./sendcat replicas shows what runs in it."));
        command.Add(Change(
            verb, "resume", "Ends the drain of one.", [], _ => "",
            changed => $"{changed.Text("id")} takes work again within five seconds."));
        command.Add(Change(
            verb, "restart", "Drains one and stops it when nothing runs in it; its host starts it again.", [force, wait],
            parsed => Query(
                ("force", Flag(parsed.GetValue(force))), ("waitSeconds", parsed.GetValue(wait)?.ToString(CultureInfo.InvariantCulture))),
            changed =>
                $"{changed.Text("id")} is drained, and stops when nothing runs in it, at the latest at "
                + $"{OpsPrinter.Time(changed, "stopsBy")} UTC."));
        command.Add(Change(
            verb, "release", "Releases what a dead one holds.", [], _ => "",
            changed => $"{OpsPrinter.Integer(changed, "released")} holders of {changed.Text("id")} released."));
        return command;
    }

    private static Command Change(
        OpsVerb verb, string name, string description, IReadOnlyList<Option> options, Func<ParseResult, string> query,
        Func<JsonElement, string> done)
    {
        var id = new Argument<string>("id") { Description = "The id, or its beginning, as ./sendcat replicas shows it." };
        var reason = OpsVerb.Reason();
        var command = new Command(name, description) { id, reason };
        foreach (var option in options)
        {
            command.Add(option);
        }

        verb.SetAction(command, async (parsed, service, printer, stop) =>
        {
            var known = OpsPrinter.Items(await service.GetAsync(Path, stop)).Select(replica => replica.Text("id")!);
            var given = parsed.GetValue(id)!;
            var found = known.Where(each => each.StartsWith(given, StringComparison.Ordinal)).ToList();
            if (found is not [var one])
            {
                printer.Line(found.Count == 0
                    ? $"No replica or worker is {given}."
                    : $"{given} is the beginning of {string.Join(", ", found)}.");
                return ExitCode.Fail;
            }

            var changed = await service.PostAsync(
                $"{Path}/{Uri.EscapeDataString(one)}/{name}{query(parsed)}", null, parsed.GetValue(reason), stop);
            if (!printer.Raw(changed))
            {
                printer.Line(done(changed));
            }

            return ExitCode.Pass;
        });
        return command;
    }

    private static string? Flag(bool value) => value ? "true" : null;

    private static string Query(params (string Name, string? Value)[] parts) =>
        parts.Where(part => part.Value is not null).Select(part => $"{part.Name}={part.Value}").ToList() is { Count: > 0 } set
            ? $"?{string.Join('&', set)}" : "";

    private static void List(OpsPrinter printer, JsonElement response)
    {
        var replicas = OpsPrinter.Items(response);
        if (replicas.Length == 0)
        {
            printer.Line("No replica or worker reports itself.");
        }

        printer.Columns(
        [
            .. replicas.OrderBy(replica => replica.Text("kind"), StringComparer.Ordinal)
                .ThenBy(replica => replica.Text("startedAt"), StringComparer.Ordinal)
                .Select(replica => new[]
                {
                    replica.Text("id") ?? "", replica.Text("kind") ?? "unknown", State(replica),
                    $"holds {OpsPrinter.Integer(replica, "holders")}", Load(replica), Open(replica), Program(replica),
                }),
        ]);
    }

    private static string State(JsonElement replica) =>
        replica.Flag("lives") != true ? "dead"
        : replica.Field("drained") is { } drained
            ? $"{(drained.Text("stopsBy") is null ? "drained" : "restarts")} by {drained.Text("by")}: {drained.Text("reason")}"
        : replica.Flag("draining") == true ? "drained" : "alive";

    private static string Program(JsonElement replica) =>
        replica.Text("version") is { } version ? $"{version} on {replica.Text("host")}, since {OpsPrinter.Time(replica, "startedAt")}" : "";

    private static string Load(JsonElement replica) =>
        replica.Field("turns") is not null
            ? $"turns {OpsPrinter.Integer(replica, "turns")}, {OpsPrinter.Integer(replica, "turnsWaitingForToken")} wait"
        : replica.Field("slots") is { } slots ? $"jobs {OpsPrinter.Integer(slots, "used")} of {OpsPrinter.Integer(slots, "max")}" : "";

    private static string Open(JsonElement replica) =>
        string.Join(
            ", ", OpsPrinter.ItemsOf(replica, "circuits").Where(circuit => circuit.Text("state") != "closed")
                .Select(circuit => $"{circuit.Text("provider")} {circuit.Text("state")}"));
}
