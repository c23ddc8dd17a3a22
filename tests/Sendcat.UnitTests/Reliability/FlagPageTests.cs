using System.Reflection;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Knobs;
using Sendcat.UnitTests.Architecture;

namespace Sendcat.UnitTests.Reliability;

/// <summary>docs/reliability.md says what each flag changes.</summary>
public sealed class FlagPageTests
{
    private static readonly string[] Page = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "reliability.md"));

    /// <summary>Each row has the values of five flags, or <c>any</c>, then the gateway mode and the admission mode that follow.</summary>
    [Fact]
    public void The_modes_follow_from_the_flags_as_the_page_says()
    {
        var rows = Table("| `FF_CHAT_GATEWAY_ENABLED` | `FF_");
        var covered = 0;
        foreach (var values in Enumerable.Range(0, 32).Select(bits => Enumerable.Range(0, 5).Select(i => (bits >> i & 1) == 1).ToArray()))
        {
            var row = Assert.Single(rows, row => Enumerable.Range(0, 5).All(i => row[i] == "any" || bool.Parse(row[i]) == values[i]));
            var flags = new ChatGatewayOptions { Enabled = values[0], Shadow = values[1], AdmissionEnforce = values[3] };
            var mode = AdmissionController.ModeOf(flags, new() { Enabled = values[2], ShadowMode = values[4] });

            Assert.Equal((row[5], row[6]), (flags.Mode, mode.ToString().ToLowerInvariant()));
            covered++;
        }

        Assert.Equal(32, covered);
    }

    [Fact]
    public void The_page_lists_every_flag()
    {
        var flags = typeof(ChatGatewayOptions).GetProperties().Select(property => property.GetCustomAttribute<KnobAttribute>()?.Name)
            .OfType<string>()
                .Concat(["ADMISSION_REDIS_ENABLED", "ADMISSION_REDIS_SHADOW_MODE"]);

        Assert.Equal(flags.Order(StringComparer.Ordinal), Table("| flag |").Select(row => row[0]).Order(StringComparer.Ordinal));
    }

    private static string[][] Table(string head) =>
        [
            .. Page.SkipWhile(line => !line.StartsWith(head, StringComparison.Ordinal)).Skip(2).TakeWhile(line => line.StartsWith('|'))
                .Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim().Trim('`')).ToArray()),
        ];
}
