using System.CommandLine;
using Sendcat.Attacks.Measure;
using Sendcat.Attacks.Target;
using Sendcat.TestKit.Stores;

namespace Sendcat.Attacks.Attacks;

/// <summary><c>attack N|all</c>: measures honest users alone, and then beside the attacker.</summary>
internal static class AttackCommand
{
    public static Command Create()
    {
        var which = new Argument<string>("number") { Description = "1 to 16, or all." };
        which.AcceptOnlyFromAmong([
            .. AttackList.All.Select(attack => attack.Number.ToString(System.Globalization.CultureInfo.InvariantCulture)), "all"]);
        var seconds = new Option<int>("--seconds")
        {
            DefaultValueFactory = _ => 20,
            Description = "How long honest users are measured alone, and how long a flood lasts.",
        };
        var settings = CommandOptions.Settings();
        var command = new Command("attack", "Runs an attack beside honest users and measures both.") { which, seconds, settings };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var number = parsed.GetValue(which);
            var passed = true;
            await using var stores = new SharedStores();
            foreach (var attack in AttackList.All.Where(
                attack => number == "all" || attack.Number.ToString(System.Globalization.CultureInfo.InvariantCulture) == number))
            {
                passed &= await RunAsync(
                    attack, stores, TimeSpan.FromSeconds(parsed.GetValue(seconds)), CommandOptions.Knobs(parsed.GetValue(settings)),
                    cancellationToken);
            }

            return passed ? 0 : 1;
        });
        return command;
    }

    /// <summary>Runs an attack on a separate system, so that the figures do not depend on the attacks before.</summary>
    private static async Task<bool> RunAsync(
        Attack attack, SharedStores stores, TimeSpan time, IEnumerable<KeyValuePair<string, string>> knobs,
        CancellationToken cancellationToken)
    {
        var options = attack.OwnSystem ?? SystemOptions.Default with { Tools = attack is OriginsAndOutput };
        await using var system = await AttackedSystem.StartAsync(stores, options.With(attack.Knobs).With(knobs));
        var report = await AttackRunner.RunAsync(attack, system, time, time, cancellationToken);
        Console.WriteLine($"\n{report}");
        ComparisonTable.Write(report.Alone!, report.CostAlone!, report.Beside, report.Cost);
        Console.WriteLine($"responses to the attacker: {report.Responses}");
        return report.Passed;
    }
}
