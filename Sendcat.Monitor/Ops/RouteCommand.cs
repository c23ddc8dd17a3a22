using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.Ops;

/// <summary><c>routes</c>: the routes to the models; drains and tests one, and changes the models.</summary>
internal static class RouteCommand
{
    private const string Path = "api/ops/routes";

    public static Command Create(OpsVerb verb)
    {
        var command = new Command("routes", "Routes to the models: circuit, slots, models and drain of each; drains or tests one.")
        {
            verb.UrlOption, verb.JsonOption, Drain(verb), Test(verb), Models(verb),
        };
        verb.SetRequest(command, (_, service, stop) => service.GetAsync(Path, stop), List);
        return command;
    }

    private static Command Drain(OpsVerb verb)
    {
        var (route, term, reason) = (Route(), OpsVerb.Term(), OpsVerb.Reason());
        var percent = new Argument<int>("percent") { Description = "Share of the turns that start on the other route; 0 ends the drain." };
        var drain = new Command("drain", "Lets a share of the turns start on the other route, while that one works.")
        {
            route, percent, term, reason,
        };
        verb.SetRequest(
            drain,
            (parsed, service, stop) =>
            {
                var seconds = OpsVerb.Seconds(parsed.GetValue(term)) is { } given
                    ? string.Create(CultureInfo.InvariantCulture, $"&forSeconds={given}") : "";
                var path = string.Create(
                    CultureInfo.InvariantCulture, $"{Path}/{parsed.GetValue(route)}/drain?percent={parsed.GetValue(percent)}{seconds}");
                return service.PostAsync(path, null, parsed.GetValue(reason), stop);
            },
            (printer, drained) => printer.Line(drained.Number("drainPercent") == 0
                ? $"Turns start on {drained.Text("id")} again."
                : $"{OpsPrinter.Integer(drained, "drainPercent")} % of the turns of {drained.Text("id")} start on the other route"
                    + $"{Until(drained, "until")}."));
        return drain;
    }

    private static Command Test(OpsVerb verb)
    {
        var (route, reason) = (Route(), OpsVerb.Reason());
        var modelClass = ModelClass("The models of this class (CHAT_DEFAULT_MODEL_CLASS).");
        var test = new Command("test", "Makes one short model call on the route now; exit code 1: it failed.")
        {
            route, modelClass, reason,
        };
        verb.SetRequest(
            test,
            (parsed, service, stop) =>
            {
                var query = parsed.GetValue(modelClass) is { } name ? $"?class={name}" : "";
                return service.PostAsync($"{Path}/{parsed.GetValue(route)}/test{query}", null, parsed.GetValue(reason), stop);
            },
            PrintTest, Works);
        return test;
    }

    private static bool Works(JsonElement result) => result.Flag("ok") == true;

    private static void PrintTest(OpsPrinter printer, JsonElement result)
    {
        var (id, model, total) = (result.Text("id"), result.Text("model"), OpsPrinter.Integer(result, "totalMs"));
        printer.Line(Works(result)
            ? $"{id} ({model}) answers: first token after {OpsPrinter.Integer(result, "firstTokenMs")} ms, {total} ms in all."
            : $"{id} ({model}) fails after {total} ms: {result.Text("code")} {OpsPrinter.Integer(result, "status")}".TrimEnd());
    }

    private static Command Models(OpsVerb verb)
    {
        var reason = OpsVerb.Reason();
        var swap = ModelClass("Swaps the models of both routes in this class.", "--swap");
        var (fastPrimary, fastSecondary) = (Model("--fast-primary"), Model("--fast-secondary"));
        var (agentPrimary, agentSecondary) = (Model("--agent-primary"), Model("--agent-secondary"));
        var models = new Command("models", "Changes models of the routes, all given ones together or none, or swaps those of a class.")
        {
            swap, fastPrimary, fastSecondary, agentPrimary, agentSecondary, reason,
        };
        verb.SetRequest(
            models,
            (parsed, service, stop) =>
            {
                var order = new
                {
                    fastPrimary = parsed.GetValue(fastPrimary), fastSecondary = parsed.GetValue(fastSecondary),
                    agentPrimary = parsed.GetValue(agentPrimary), agentSecondary = parsed.GetValue(agentSecondary),
                    swap = parsed.GetValue(swap),
                };
                return service.PostAsync($"{Path}/models", order, parsed.GetValue(reason), stop);
            },
            (printer, changed) =>
            {
                foreach (var change in OpsPrinter.ItemsOf(changed, "changes"))
                {
                    printer.Line($"{change.Text("name")} is {change.Text("value")} now.");
                }
            });
        return models;
    }

    private static string Until(JsonElement json, string name) =>
        json.Text(name) is null ? "" : $" until {OpsPrinter.Time(json, name)} UTC";

    private static Argument<string> Route()
    {
        var route = new Argument<string>("route") { Description = "primary or secondary." };
        route.AcceptOnlyFromAmong("primary", "secondary");
        return route;
    }

    private static Option<string?> ModelClass(string description, string name = "--class")
    {
        var option = new Option<string?>(name) { Description = description };
        option.AcceptOnlyFromAmong("fast", "agent");
        return option;
    }

    private static Option<string?> Model(string name) => new(name) { Description = "A model id, such as openai/gpt-5." };

    private static void List(OpsPrinter printer, JsonElement response) =>
        printer.Columns(
        [
            .. OpsPrinter.Items(response).Select(route => new[]
            {
                route.Text("id") ?? "", route.Field("circuit")?.Text("state") ?? "",
                $"{OpsPrinter.Integer(route, "inFlight")} of {OpsPrinter.Integer(route, "maxConcurrent")} in use",
                $"fast {route.Field("models")?.Text("fast")}", $"agent {route.Field("models")?.Text("agent")}",
                route.Number("drainPercent") is > 0
                    ? $"drained by {OpsPrinter.Integer(route, "drainPercent")} %{Until(route, "drainUntil")}" : "not drained",
                $"{route.Text("account")}{(route.Flag("ownKey") == true ? ", own key" : "")}"
                    + (route.Flag("failover") == true ? "" : ", failover is off"),
            }),
        ]);
}
