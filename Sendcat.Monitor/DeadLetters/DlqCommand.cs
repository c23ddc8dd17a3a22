using System.CommandLine;
using Sendcat.Monitor.Ops;

namespace Sendcat.Monitor.DeadLetters;

/// <summary><c>dlq groups|list|count|requeue|discard|changes|cancel</c>: tool jobs that ran out of attempts.</summary>
internal static class DlqCommand
{
    private const string Path = "api/ops/tool-jobs/dead-letters";
    private const string ChangesPath = $"{Path}/changes";

    /// <summary>The reason of a request that changes nothing.</summary>
    private const string DryRun = "dry run";

    public static Command Create(OpsVerb verb)
    {
        var filter = new DlqFilter();
        return new("dlq", "Tool jobs that ran out of attempts: lists, groups, requeues or discards them.")
        {
            verb.UrlOption, verb.JsonOption, Groups(verb), List(verb, filter), Count(verb, filter), Changes(verb), Cancel(verb),
            Change(verb, filter, "requeue", "Runs dead letters again with all their attempts, at a bounded rate."),
            Change(verb, filter, "discard", "Discards dead letters: they become cancelled jobs."),
        };
    }

    private static Command Groups(OpsVerb verb)
    {
        var groups = new Command("groups", "Dead letters by tool and cause, the largest group first.");
        verb.SetRequest(groups, (_, service, stop) => service.GetAsync($"{Path}/groups", stop), DlqPrinter.Groups);
        return groups;
    }

    private static Command List(OpsVerb verb, DlqFilter filter)
    {
        var list = new Command("list", "Dead letters, the newest first.");
        var details = new Option<bool>("--details") { Description = "Shows the arguments and every attempt." };
        var cursor = new Option<string?>("--cursor") { Description = "The cursor that the previous list printed." };
        filter.AddTo(list);
        list.Add(details);
        list.Add(cursor);
        verb.SetAction(list, async (parsed, service, printer, stop) =>
        {
            var page = await service.GetAsync($"{Path}?{filter.Query(parsed, parsed.GetValue(cursor))}", stop);
            if (!printer.Raw(page))
            {
                DlqPrinter.List(printer, page, parsed.GetValue(details));
            }

            return ExitCode.Pass;
        });
        return list;
    }

    private static Command Count(OpsVerb verb, DlqFilter filter)
    {
        var count = new Command("count", "How many dead letters match.");
        filter.AddTo(count);
        verb.SetRequest(
            count,
            (parsed, service, stop) => service.GetAsync($"{Path}/count?{filter.Query(parsed, null)}", stop),
            DlqPrinter.Count);
        return count;
    }

    private static Command Changes(OpsVerb verb)
    {
        var id = new Argument<string?>("id") { Description = "Only this change.", Arity = ArgumentArity.ZeroOrOne };
        var changes = new Command("changes", "Changes of all dead letters that match: progress and results, the newest first.") { id };
        verb.SetRequest(
            changes,
            (parsed, service, stop) => service.GetAsync(
                parsed.GetValue(id) is { } one ? $"{ChangesPath}/{Uri.EscapeDataString(one)}" : ChangesPath, stop),
            DlqPrinter.BulkChanges);
        return changes;
    }

    private static Command Cancel(OpsVerb verb)
    {
        var (id, reason) = (new Argument<string>("id") { Description = "The change." }, OpsVerb.Reason());
        var cancel = new Command("cancel", "Cancels a change that is running. Jobs that it has requeued run.") { id, reason };
        verb.SetRequest(
            cancel,
            (parsed, service, stop) => service.PostAsync(
                $"{ChangesPath}/{Uri.EscapeDataString(parsed.GetValue(id)!)}/cancel", null, parsed.GetValue(reason), stop),
            DlqPrinter.BulkChanges);
        return cancel;
    }

    /// <param name="name"><c>requeue</c> or <c>discard</c></param>
    private static Command Change(OpsVerb verb, DlqFilter filter, string name, string description)
    {
        var change = new Command(name, description);
        var dryRun = new Option<bool>("--dry-run") { Description = "Only shows what would change." };
        var all = new Option<bool>("--all") { Description = "Selects all dead letters; required when no other filter is given." };
        var reason = OpsVerb.Reason(required: false);
        var confirm = new Option<int?>("--confirm")
        {
            Description = "Changes all that match, in the background, if they are so many (dlq count); a requeue waits for circuits.",
        };
        var force = new Option<bool>("--force")
        {
            Description = "Requeues although the circuit of an upstream is open.", Hidden = name != "requeue",
        };
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
                result.AddError(
                    $"Say which to {name}: --tool, --fingerprint, --principal, --arguments, --id, --died-after, --died-before, or --all.");
            }

            if (result.GetValue(confirm) is < 1 || (result.GetValue(confirm) is not null && result.GetValue(dryRun)))
            {
                result.AddError("--confirm takes the number of dead letters that match, without --dry-run.");
            }

            if (!result.GetValue(dryRun) && string.IsNullOrWhiteSpace(result.GetValue(reason)))
            {
                result.AddError("Say why with --reason; the audit shows it. --dry-run needs none.");
            }
        });
        verb.SetAction(change, async (parsed, service, printer, stop) =>
        {
            var confirmed = parsed.GetValue(confirm);
            var response = confirmed is { } expected
                ? await service.PostAsync(
                    ChangesPath, filter.BulkBody(parsed, name, expected, parsed.GetValue(all), parsed.GetValue(force)),
                    parsed.GetValue(reason), stop)
                : await service.PostAsync(
                    $"{Path}/{name}", filter.RequestBody(parsed, parsed.GetValue(all), parsed.GetValue(dryRun), parsed.GetValue(force)),
                    parsed.GetValue(reason) ?? DryRun, stop);
            if (printer.Raw(response))
            {
                return ExitCode.Pass;
            }

            if (confirmed is null)
            {
                DlqPrinter.Changed(printer, name, response);
            }
            else
            {
                DlqPrinter.Started(printer, response);
            }

            return ExitCode.Pass;
        });
        return change;
    }
}
