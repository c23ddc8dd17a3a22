using Sendcat.IntegrationTests.Chat;
using Sendcat.TestKit.Processes;
using static Sendcat.IntegrationTests.ChatTools.ToolPrompts;

namespace Sendcat.IntegrationTests.ChatTools;

/// <summary>What the command <c>./sendcat chat</c> prints about tool calls and their results.</summary>
[Collection(nameof(ToolCollection))]
public sealed class ChatCommandTests(ToolSystemFixture fixture)
{
    [Theory]
    [InlineData("sendcat")]
    [InlineData("ui")]
    public async Task A_shopping_question_prints_the_call_and_the_products(string dialect)
    {
        var output = await ChatAsync("compare two rice cookers under 60 dollars", "--dialect", dialect);

        Assert.Matches(@"→ search_products \{.*""maxPrice"":\s*60", output);
        Assert.Matches("← search_products: [0-9]+ results", output);
        Assert.Contains("  1. ", output, StringComparison.Ordinal);
        Assert.Contains("USD", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sendcat")]
    [InlineData("ui")]
    public async Task A_dead_letter_is_printed_with_its_retry_delay(string dialect)
    {
        var output = await ChatAsync(CallTool("search_web", $"terminal {dialect} [[emu status=503]]"), "--web", "--dialect", dialect);

        Assert.Contains("! search_web is busy: dead_letter (try again in 2 s)", output, StringComparison.Ordinal);
        Assert.Contains("Done.", output, StringComparison.Ordinal);
    }

    private Task<string> ChatAsync(string question, params string[] options) =>
        TestProcess.RunAsync(
            new ProcessSpec(
                BuiltProgram.Of("Sendcat.Monitor"), ["chat", question, "--url", fixture.System.Api.Address.ToString(), .. options]));
}
