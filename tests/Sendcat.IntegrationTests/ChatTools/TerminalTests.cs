using Sendcat.IntegrationTests.Chat;
using Sendcat.TestKit.Processes;
using static Sendcat.IntegrationTests.ChatTools.ToolStories;

namespace Sendcat.IntegrationTests.ChatTools;

/// <summary><c>./sendcat chat</c> as people run it: what its terminal shows of tools.</summary>
[Collection(nameof(ToolCollection))]
public sealed class TerminalTests(ToolSystemFixture fixture)
{
    [Theory]
    [InlineData("sendcat")]
    [InlineData("ui")]
    public async Task A_question_about_things_to_buy_shows_the_call_and_the_products(string dialect)
    {
        var shown = await ChatAsync("compare two rice cookers under 60 dollars", "--dialect", dialect);

        Assert.Matches(@"→ search_products \{.*""maxPrice"":\s*60", shown);
        Assert.Matches("← search_products: [0-9]+ results", shown);
        Assert.Contains("  1. ", shown, StringComparison.Ordinal);
        Assert.Contains("USD", shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sendcat")]
    [InlineData("ui")]
    public async Task A_queue_that_cannot_help_is_shown_with_the_time_to_wait(string dialect)
    {
        var shown = await ChatAsync(Asks("search_web", $"terminal {dialect} [[emu status=503]]"), "--web", "--dialect", dialect);

        Assert.Contains("! search_web is busy: dead_letter (try again in 2 s)", shown, StringComparison.Ordinal);
        Assert.Contains("Done.", shown, StringComparison.Ordinal);
    }

    private Task<string> ChatAsync(string question, params string[] options) =>
        TestProcess.RunAsync(new ProcessSpec(BuiltProgram.Of("Sendcat.Monitor"), ["chat", question, "--url", fixture.System.Api.Address.ToString(), .. options]));
}
