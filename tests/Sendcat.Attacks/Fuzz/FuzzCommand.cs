using System.CommandLine;
using Sendcat.Attacks.Target;
using Sendcat.TestKit.Stores;

namespace Sendcat.Attacks.Fuzz;

/// <summary><c>fuzz --requests N [--seed S]</c>.</summary>
internal static class FuzzCommand
{
    public static Command Create()
    {
        var requests = new Option<long>("--requests") { DefaultValueFactory = _ => 100_000 };
        var seed = new Option<int?>("--seed")
        {
            Description = "The same seed generates the same requests. Default: a random seed, which is printed.",
        };
        var concurrency = new Option<int>("--concurrency") { DefaultValueFactory = _ => 24 };
        var settings = CommandOptions.Settings();
        var command = new Command("fuzz", "Sends mutated requests of every operation, and bytes that are not valid HTTP.")
        {
            requests,
            seed,
            concurrency,
            settings,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var plan = new FuzzPlan(parsed.GetValue(requests), parsed.GetValue(seed) ?? Random.Shared.Next(), parsed.GetValue(concurrency));
            Console.WriteLine($"seed {plan.Seed}");
            await using var stores = new SharedStores();
            await using var system = await AttackedSystem.StartAsync(
                stores, SystemOptions.Default.With(CommandOptions.Knobs(parsed.GetValue(settings))), honest: 0);
            var report = await Fuzzer.RunAsync(system, plan, Console.WriteLine, cancellationToken);
            Console.WriteLine(report);
            return report.Passed ? 0 : 1;
        });
        return command;
    }
}
