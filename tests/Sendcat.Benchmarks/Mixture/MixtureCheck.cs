using System.Collections.Concurrent;
using System.CommandLine;
using System.Globalization;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Stage;
using Spectre.Console;

namespace Sendcat.Benchmarks.Mixture;

/// <summary>Thousands of turns that end in every way there is, and nothing of them may be left.</summary>
internal static class MixtureCheck
{
    public static Command Command()
    {
        var turns = new Option<int>("--turns") { DefaultValueFactory = _ => 10_000 };
        var people = new Option<int>("--people") { Description = "turns at once, one a person", DefaultValueFactory = _ => 64 };
        var patience = new Option<int>("--patience") { Description = "seconds after the last turn within which all must be given back", DefaultValueFactory = _ => 60 };
        var settings = new Option<string[]>("--api-env") { Description = "NAME=VALUE for the API; may be repeated", DefaultValueFactory = _ => [] };
        var command = new Command("mixture", "Ends turns by completion, client abort, server abort and provider error; exit code 1 if anything is left of them.") { turns, people, patience, settings };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            new MixtureOptions(parsed.GetValue(turns), parsed.GetValue(people), parsed.GetValue(patience), parsed.GetRequiredValue(settings)), TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(MixtureOptions options, TimeProvider clock, CancellationToken cancellationToken)
    {
        await using var emulator = await Emulator.StartAsync();
        await using var api = await SendcatApi.StartAsync(emulator.Http1, ["CHAT_DETACH_GRACE_MS=2000", .. options.Settings], cancellationToken);
        using var rest = new SendcatRest(api.Address);
        using var client = new LoadClient();
        var runner = new MixedTurnRunner(client, rest, api.Address);
        var endings = new ConcurrentDictionary<(Ending Meant, string Was), int>();
        var next = -1;

        await Task.WhenAll(Enumerable.Range(0, options.People).Select(_ => PersonAsync()));
        var left = await Leftovers.AfterAsync(TimeSpan.FromSeconds(options.PatienceSeconds), api, emulator, clock, cancellationToken);

        // What an open circuit, or a place that is just being taken over, refuses is an answer; what is none of the known endings is a fault.
        var strange = endings.Where(ending => ending.Key.Was != ending.Key.Meant.ToString() && !ending.Key.Was.StartsWith("refused", StringComparison.Ordinal) && !IsRaced(ending.Key)).Sum(ending => ending.Value);
        var asMeant = endings.Where(ending => ending.Key.Was == ending.Key.Meant.ToString()).Sum(ending => ending.Value);
        Print(endings, left);
        await Report.WriteAsync(
            "mixture",
            options,
            new { asMeant, strange, left, endings = endings.OrderBy(ending => ending.Key).Select(ending => new { meant = ending.Key.Meant.ToString(), was = ending.Key.Was, turns = ending.Value }) },
            clock);
        return left.None && strange == 0 && asMeant >= options.Turns * 0.9 ? 0 : 1;

        async Task PersonAsync()
        {
            var session = await rest.SessionAsync(cancellationToken);
            while (Interlocked.Increment(ref next) is var number && number < options.Turns)
            {
                var turn = MixedTurn.Number(number);
                var was = await runner.RunAsync(turn, session, cancellationToken);
                endings.AddOrUpdate((turn.Ending, was), 1, (_, count) => count + 1);
            }
        }
    }

    /// <summary>An abort may come when the turn is over already, and then loses.</summary>
    private static bool IsRaced((Ending Meant, string Was) ending) =>
        ending is { Meant: Ending.ServerAbort, Was: nameof(Ending.Completion) } or { Meant: Ending.ClientAbort, Was: nameof(Ending.Completion) };

    private static void Print(ConcurrentDictionary<(Ending Meant, string Was), int> endings, Leftovers left)
    {
        var table = new Table().Border(TableBorder.Markdown).AddColumn("meant").AddColumn("was").AddColumn(new TableColumn("turns").RightAligned());
        foreach (var ((meant, was), turns) in endings.OrderBy(ending => ending.Key))
        {
            table.AddRow(new Text(meant.ToString()), new Text(was), new Text(turns.ToString(CultureInfo.InvariantCulture)));
        }

        AnsiConsole.Write(table);
        AnsiConsole.MarkupLine(left.None ? "[green]Nothing is left.[/]" : "[red]Left behind:[/]");
        AnsiConsole.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"leases {left.Leases}, holders {left.Holders}, messages streaming {left.StreamingMessages}, sessions streaming {left.StreamingSessions}, upstream {left.Upstream}");
    }
}

internal sealed record MixtureOptions(int Turns, int People, int PatienceSeconds, string[] Settings);
