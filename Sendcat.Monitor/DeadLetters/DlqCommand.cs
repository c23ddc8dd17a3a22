using System.CommandLine;
using Sendcat.Monitor.Ops;
using Spectre.Console;

namespace Sendcat.Monitor.DeadLetters;

/// <summary><c>dlq groups|list|requeue|discard</c>: tool jobs that ran out of attempts.</summary>
internal static class DlqCommand
{
    /// <param name="console">Null: the terminal; likewise <paramref name="errors"/> and <paramref name="key"/>.</param>
    public static Command Create(IAnsiConsole? console = null, TextWriter? errors = null, string? key = null)
    {
        var url = OpsVerb.Url();
        url.Recursive = true;
        var json = new Option<bool>("--json") { Description = "Prints the service's answer as it is.", Recursive = true };
        var command = new Command("dlq", "Tool jobs that ran out of attempts: by cause, one by one, to run again or to give up.") { url, json };

        var groups = new Command("groups", "Dead letters by tool and cause, the largest group first.");
        groups.SetAction((parsed, stop) => RunAsync(parsed, service => DlqSession.GroupsAsync(service, Reader(parsed), stop)));
        command.Add(groups);

        var filter = new DlqFilter();
        var list = new Command("list", "Dead letters, the newest first.");
        var details = new Option<bool>("--details") { Description = "With arguments and every attempt." };
        var cursor = new Option<string?>("--cursor") { Description = "Where the last list ended." };
        filter.AddTo(list);
        list.Add(details);
        list.Add(cursor);
        list.SetAction((parsed, stop) => RunAsync(parsed, service => DlqSession.ListAsync(service, Reader(parsed), filter.Query(parsed, parsed.GetValue(cursor)), parsed.GetValue(details), stop)));
        command.Add(list);

        command.Add(Change("requeue", "Runs dead letters again with all their attempts, at a bounded rate."));
        command.Add(Change("discard", "Gives dead letters up."));
        return command;

        Command Change(string verb, string description)
        {
            var change = new Command(verb, description);
            var dryRun = new Option<bool>("--dry-run") { Description = "Only says what would happen." };
            var all = new Option<bool>("--all") { Description = "All of them: without it, say which." };
            filter.AddTo(change);
            change.Add(dryRun);
            change.Add(all);
            change.Validators.Add(result =>
            {
                if (!result.GetValue(all) && filter.IsEmpty(result))
                {
                    result.AddError($"Say which to {verb}: --tool, --fingerprint, --id, --died-before, or --all.");
                }
            });
            change.SetAction((parsed, stop) => RunAsync(parsed, service => DlqSession.ChangeAsync(service, Reader(parsed), verb, filter.Order(parsed, parsed.GetValue(all), parsed.GetValue(dryRun)), stop)));
            return change;
        }

        DlqReader Reader(ParseResult parsed) => new(console ?? AnsiConsole.Console, parsed.GetValue(json));

        Task<int> RunAsync(ParseResult parsed, Func<OpsClient, Task<int>> work) => OpsVerb.RunAsync(parsed.GetValue(url)!, key ?? OpsKeyFile.Find(), errors ?? Console.Error, work);
    }
}
