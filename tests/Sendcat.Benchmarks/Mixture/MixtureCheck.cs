using System.Collections.Concurrent;
using System.CommandLine;
using System.Globalization;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Targets;
using Spectre.Console;

namespace Sendcat.Benchmarks.Mixture;

/// <summary>Runs thousands of turns with all kinds of ends and checks that no lease, open row or open request is left.</summary>
internal static class MixtureCheck
{
    public static Command Command()
    {
        var turns = new Option<int>("--turns") { DefaultValueFactory = _ => 10_000 };
        var people = new Option<int>("--people") { Description = "concurrent users, one turn each", DefaultValueFactory = _ => 64 };
        var timeout = new Option<int>("--patience")
        {
            Description = "seconds after the last turn within which everything must be released",
            DefaultValueFactory = _ => 60,
        };
        var settings = new Option<string[]>("--api-env")
        {
            Description = "NAME=VALUE for the API; may be repeated",
            DefaultValueFactory = _ => [],
        };
        var command = new Command(
            "mixture",
            "Ends turns by completion, client abort, server abort and provider error; exit code 1 if anything is left of them.")
        {
            turns, people, timeout, settings,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            new MixtureOptions(
                parsed.GetValue(turns), parsed.GetValue(people), parsed.GetValue(timeout), parsed.GetRequiredValue(settings)),
            TimeProvider.System, cancellationToken));
        return command;
    }

    private const int MaxAttempts = 40;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);

    private static async Task<int> RunAsync(MixtureOptions options, TimeProvider clock, CancellationToken cancellationToken)
    {
        await using var emulator = await Emulator.StartAsync();
        await using var api = await SendcatApi.StartAsync(
            emulator.Http1, ["CHAT_DETACH_GRACE_MS=2000", .. options.Settings], cancellationToken);
        using var rest = new SendcatRest(api.Address);
        using var client = new LoadClient();
        var runner = new MixedTurnRunner(client, rest, api.Address);
        var endings = new ConcurrentDictionary<(Ending Meant, string Was), int>();
        var next = -1;
        var retries = 0;

        await Task.WhenAll(Enumerable.Range(0, options.People).Select(_ => RunUserAsync()));
        var left = await Leftovers.WaitUntilNoneAsync(
            TimeSpan.FromSeconds(options.PatienceSeconds), api, emulator, clock, cancellationToken);

        // A refusal by an open circuit, or of a slot that is not released yet, is allowed. Every other unknown end is a failure.
        var unexpected = endings
            .Where(ending => ending.Key.Was != ending.Key.Meant.ToString()
                && !ending.Key.Was.StartsWith("refused", StringComparison.Ordinal)
                && !IsRaced(ending.Key))
            .Sum(ending => ending.Value);
        var asMeant = endings.Where(ending => ending.Key.Was == ending.Key.Meant.ToString()).Sum(ending => ending.Value);
        Print(endings, left);
        Console.WriteLine($"retries after a refusal: {retries}");
        await Report.WriteAsync(
            "mixture",
            options,
            new
            {
                asMeant,
                strange = unexpected,
                left,
                endings = endings.OrderBy(ending => ending.Key)
                    .Select(ending => new { meant = ending.Key.Meant.ToString(), was = ending.Key.Was, turns = ending.Value }),
            },
            clock);
        return left.None && unexpected == 0 && asMeant >= options.Turns * 0.9 ? 0 : 1;

        async Task RunUserAsync()
        {
            var session = await rest.CreateSessionAsync(cancellationToken);
            while (Interlocked.Increment(ref next) is var number && number < options.Turns)
            {
                var turn = MixedTurn.At(number);
                var was = await runner.RunAsync(turn, session, cancellationToken);
                for (var attempt = 1; attempt < MaxAttempts && was.StartsWith("refused", StringComparison.Ordinal); attempt++)
                {
                    // Retry like a client that got Retry-After: the slot is not released yet, the circuit is open, or Redis did not respond
                    // in time.
                    Interlocked.Increment(ref retries);
                    await Task.Delay(RetryDelay, clock, cancellationToken);
                    was = await runner.RunAsync(turn, session, cancellationToken);
                }

                endings.AddOrUpdate((turn.Ending, was), 1, (_, count) => count + 1);
            }
        }
    }

    /// <summary>An abort may arrive after the end of the turn. It then has no effect.</summary>
    private static bool IsRaced((Ending Meant, string Was) ending) =>
        ending is { Meant: Ending.ServerAbort, Was: nameof(Ending.Completion) }
            or { Meant: Ending.ClientAbort, Was: nameof(Ending.Completion) };

    private static void Print(ConcurrentDictionary<(Ending Meant, string Was), int> endings, Leftovers left)
    {
        var table = new Table()
            .Border(TableBorder.Markdown)
            .AddColumn("meant")
            .AddColumn("was")
            .AddColumn(new TableColumn("turns").RightAligned());
        foreach (var ((meant, was), turns) in endings.OrderBy(ending => ending.Key))
        {
            table.AddRow(new Text(meant.ToString()), new Text(was), new Text(turns.ToString(CultureInfo.InvariantCulture)));
        }

        AnsiConsole.Write(table);
        AnsiConsole.MarkupLine(left.None ? "[green]Nothing is left.[/]" : "[red]Left:[/]");
        AnsiConsole.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"leases {left.Leases}, holders {left.Holders}, messages streaming {left.StreamingMessages}, sessions streaming {left.StreamingSessions}, upstream {left.Upstream}");
    }
}

internal sealed record MixtureOptions(int Turns, int People, int PatienceSeconds, string[] Settings);
