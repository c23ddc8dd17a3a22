using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Chat;
using Sendcat.Integrations.Tools;
using Sendcat.Monitor.Alerts;
using Sendcat.Reliability.Knobs;
using Sendcat.ToolWorker.Upstreams;
using Sendcat.UnitTests.Architecture;

namespace Sendcat.UnitTests.Reliability;

/// <summary>docs/configuration.md lists every knob. A failure prints the expected table, ready to paste.</summary>
public sealed class KnobPageTests
{
    private const string Begin = "<!-- knobs: begin -->";
    private const string End = "<!-- knobs: end -->";

    [Fact]
    public void The_configuration_page_lists_every_knob_correctly()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "configuration.md"));
        var (begin, end) = (page.IndexOf(Begin, StringComparison.Ordinal), page.IndexOf(End, StringComparison.Ordinal));
        Assert.True(begin > 0 && end > begin, $"The page has no '{Begin}' followed by '{End}'.");
        var actual = page[(begin + Begin.Length)..end].Trim();

        var table = Table();

        Assert.True(actual == table, $"The table of knobs in docs/configuration.md should be:\n\n{table}\n");
    }

    [Fact]
    public void Every_knob_of_every_feature_has_a_description_and_a_valid_default()
    {
        using var provider = Provider();
        var all = provider.GetRequiredService<KnobRegistry>().All;

        Assert.Contains(all, knob => knob.Section == "Chat");
        Assert.Contains(all, knob => knob.Name == "TOOL_WORKER_DRAIN_MS");
        Assert.All(all, knob => Assert.True(knob.Description.Length > 0, $"{knob.Name} has no summary"));
        Assert.All(all.Where(knob => knob.Default.Length > 0), knob => Assert.True(knob.TryParse(knob.Default, out _, out _), knob.Name));
    }

    private static string Table()
    {
        using var provider = Provider();
        var table = new StringBuilder("| name | default | allowed | meaning |\n|---|---|---|---|");
        foreach (var knob in provider.GetRequiredService<KnobRegistry>().All)
        {
            table.Append('\n').Append("| `").Append(knob.Name).Append("` | ").Append(Code(knob.Default)).Append(" | ").Append(Allowed(knob))
                .Append(" | ").Append(Meaning(knob)).Append(" |");
        }

        return table.ToString();
    }

    private static ServiceProvider Provider()
    {
        var services = new ServiceCollection().AddSingleton<IConfiguration>(new ConfigurationBuilder().Build()).AddLogging();
        foreach (var options in Classes())
        {
            typeof(KnobsFeature).GetMethod(nameof(KnobsFeature.AddKnobs))!.MakeGenericMethod(options).Invoke(null, [services]);
        }

        return services.BuildServiceProvider();
    }

    /// <summary>
    /// All classes with knobs of the API, the tool worker and the Monitor, found by reflection, so that the list is complete.
    /// </summary>
    private static IEnumerable<Type> Classes() =>
        from assembly in new[]
        {
            typeof(KnobRegistry).Assembly, typeof(QueuedTool).Assembly, typeof(ChatOptions).Assembly, typeof(UpstreamOptions).Assembly,
            typeof(AlertOptions).Assembly,
        }
        from type in assembly.GetTypes()
        where type.GetProperties().Any(property => property.IsDefined(typeof(KnobAttribute), inherit: false))
        orderby type.FullName
        select type;

    private static string Allowed(Knob knob) =>
        knob.Range.Length == 0
            ? knob.Secret ? "secret" : "text"
            : knob.Type == typeof(string) ? Code(knob.Range) : knob.Range.Replace(",", " or", StringComparison.Ordinal);

    private static string Code(string text) => text.Length == 0 ? "" : $"`{text.Replace("|", "\\|", StringComparison.Ordinal)}`";

    private static string Meaning(Knob knob) =>
        (knob.WithoutEffect
            ? "Kept for compatibility, without effect. "
            : knob.StartUpOnly ? "Read at start alone. "
            : "")
                + (
                    knob.Unit is "" || knob.Description.StartsWith("Milliseconds", StringComparison.Ordinal)
                        ? knob.Description
                        : $"{knob.Description} [{knob.Unit}]").Replace("|", "\\|", StringComparison.Ordinal);
}
