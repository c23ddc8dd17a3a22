using System.CommandLine;
using Sendcat.Monitor.Ops;
using Spectre.Console;

namespace Sendcat.Monitor.DeadLetters;

/// <summary><c>dlq groups|list|requeue|discard</c>: tool jobs that ran out of attempts.</summary>
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

        command.Add(Change("requeue", "Runs dead letters again with all their attempts, at a bounded rate."));
        command.Add(Change("discard", "Discards dead letters: they become cancelled jobs."));
        return command;

        Command Change(string verb, string description)
        {
            var change = new Command(verb, description);
            var dryRun = new Option<bool>("--dry-run") { Description = "Only shows what would change." };
            var all = new Option<bool>("--all") { Description = "Selects all dead letters; required when no other filter is given." };
            var reason = OpsVerb.Reason(required: false);
            filter.AddTo(change);
            change.Add(dryRun);
            change.Add(all);
            change.Add(reason);
            change.Validators.Add(result =>
            {
                if (!result.GetValue(all) && filter.IsEmpty(result))
                {
                    result.AddError($"Say which to {verb}: --tool, --fingerprint, --id, --died-before, or --all.");
                }

                if (!result.GetValue(dryRun) && string.IsNullOrWhiteSpace(result.GetValue(reason)))
                {
                    result.AddError($"Say why with --reason; the audit shows it. --dry-run needs none.");
                }
            });
            change.SetAction((parsed, stop) => RunAsync(
                parsed, service => DlqSession.ChangeAsync(service, Printer(parsed), verb, filter.RequestBody(parsed, parsed.GetValue(all),
                parsed.GetValue(dryRun)), parsed.GetValue(reason) ?? DryRun, stop)));
            return change;
        }

        DlqPrinter Printer(ParseResult parsed) => new(console ?? AnsiConsole.Console, parsed.GetValue(json));

        Task<int> RunAsync(ParseResult parsed, Func<OpsClient, Task<int>> work) =>
            OpsVerb.RunAsync(parsed.GetValue(url)!, key ?? OpsKeyFile.Find(), errors ?? Console.Error, work);
    }
}
