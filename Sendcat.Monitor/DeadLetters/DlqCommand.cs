using System.CommandLine;
using Sendcat.Monitor.Ops;
using Spectre.Console;

namespace Sendcat.Monitor.DeadLetters;

/// <summary><c>dlq groups|list|count|requeue|discard|changes|cancel</c>: tool jobs that ran out of attempts.</summary>
internal static class DlqCommand
{
    /// <summary>The reason of a request that changes nothing.</summary>
    private const string DryRun = "dry run";

    /// <param name="console">Null: the terminal.</param>
    /// <param name="errors">Null: standard error.</param>
    /// <param name="key">Null: the key from <see cref="OpsKeyFile.Find"/>.</param>
    public static Command Create(IAnsiConsole? console = null, TextWriter? errors = null, string? key = null)
    {
        var url = OpsVerb.Url();
        url.Recursive = true;
        var json = new Option<bool>("--json") { Description = "Prints the response of the service as JSON.", Recursive = true };
        var command = new Command("dlq", "Tool jobs that ran out of attempts: lists, groups, requeues or discards them.") { url, json };

        var groups = new Command("groups", "Dead letters by tool and cause, the largest group first.");
        groups.SetAction((parsed, stop) => RunAsync(parsed, service => DlqSession.GroupsAsync(service, Printer(parsed), stop)));
        command.Add(groups);

        var filter = new DlqFilter();
        var list = new Command("list", "Dead letters, the newest first.");
        var details = new Option<bool>("--details") { Description = "Shows the arguments and every attempt." };
        var cursor = new Option<string?>("--cursor") { Description = "The cursor that the previous list printed." };
        filter.AddTo(list);
        list.Add(details);
        list.Add(cursor);
        list.SetAction((parsed, stop) => RunAsync(
            parsed, service => DlqSession.ListAsync(service, Printer(parsed), filter.Query(parsed, parsed.GetValue(cursor)), parsed.GetValue(details), stop)));
        command.Add(list);

        var count = new Command("count", "How many dead letters match.");
        filter.AddTo(count);
        count.SetAction((parsed, stop) => RunAsync(parsed, service => DlqSession.CountAsync(service, Printer(parsed), filter.Query(parsed, null), stop)));
        command.Add(count);

        var changes = new Command("changes", "Changes of all dead letters that match: progress and results, the newest first.");
        var one = new Argument<string?>("id") { Description = "Only this change.", Arity = ArgumentArity.ZeroOrOne };
        changes.Add(one);
        changes.SetAction((parsed, stop) => RunAsync(parsed, service => DlqSession.ChangesAsync(service, Printer(parsed), parsed.GetValue(one), stop)));
        command.Add(changes);

        var cancel = new Command("cancel", "Cancels a change that is running. Jobs that it has requeued run.");
        var (which, why) = (new Argument<string>("id") { Description = "The change." }, OpsVerb.Reason());
        cancel.Add(which);
        cancel.Add(why);
        cancel.SetAction((parsed, stop) => RunAsync(
            parsed, service => DlqSession.CancelAsync(service, Printer(parsed), parsed.GetValue(which)!, parsed.GetValue(why), stop)));
        command.Add(cancel);

        command.Add(Change("requeue", "Runs dead letters again with all their attempts, at a bounded rate."));
        command.Add(Change("discard", "Discards dead letters: they become cancelled jobs."));
        return command;

        Command Change(string verb, string description)
        {
            var change = new Command(verb, description);
            var dryRun = new Option<bool>("--dry-run") { Description = "Only shows what would change." };
            var all = new Option<bool>("--all") { Description = "Selects all dead letters; required when no other filter is given." };
            var reason = OpsVerb.Reason(required: false);
            var confirm = new Option<int?>("--confirm")
            {
                Description = "Changes all that match, in the background, if they are so many (dlq count); a requeue waits for circuits.",
            };
            var force = new Option<bool>("--force") { Description = "Requeues although the circuit of an upstream is open.", Hidden = verb != "requeue" };
            filter.AddTo(change);
            change.Add(confirm);
            change.Add(force);
            change.Add(dryRun);
            change.Add(all);
            change.Add(reason);
            change.Validators.Add(result =>
            {
                if (!result.GetValue(all) && filter.IsEmpty(result))
                {
                    result.AddError($"Say which to {verb}: --tool, --fingerprint, --principal, --arguments, --id, --died-after, --died-before, or --all.");
                }

                if (result.GetValue(confirm) is < 1 || (result.GetValue(confirm) is not null && result.GetValue(dryRun)))
                {
                    result.AddError("--confirm takes the number of dead letters that match, without --dry-run.");
                }

                if (!result.GetValue(dryRun) && string.IsNullOrWhiteSpace(result.GetValue(reason)))
                {
                    result.AddError($"Say why with --reason; the audit shows it. --dry-run needs none.");
                }
            });
            change.SetAction((parsed, stop) => RunAsync(parsed, service => parsed.GetValue(confirm) is { } expected
                ? DlqSession.StartAsync(
                    service, Printer(parsed), filter.BulkBody(parsed, verb, expected, parsed.GetValue(all), parsed.GetValue(force)),
                    parsed.GetValue(reason), stop)
                : DlqSession.ChangeAsync(
                    service, Printer(parsed), verb,
                    filter.RequestBody(parsed, parsed.GetValue(all), parsed.GetValue(dryRun), parsed.GetValue(force)),
                    parsed.GetValue(reason) ?? DryRun, stop)));
            return change;
        }

        DlqPrinter Printer(ParseResult parsed) => new(console ?? AnsiConsole.Console, parsed.GetValue(json));

        Task<int> RunAsync(ParseResult parsed, Func<OpsClient, Task<int>> work) =>
            OpsVerb.RunAsync(parsed.GetValue(url)!, key ?? OpsKeyFile.Find(), errors ?? Console.Error, work);
    }
}
