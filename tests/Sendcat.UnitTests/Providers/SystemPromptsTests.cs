using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.ApiService.Providers.Prompts;

namespace Sendcat.UnitTests.Providers;

public class SystemPromptsTests
{
    private static readonly ToolDeclaration Web = new("search_web", "Searches the web.", """{"type":"object"}""");

    [Fact]
    public void A_model_with_native_tools_reads_strategy_and_persona()
    {
        var prompts = SystemPrompts.For(new(NativeTools: true, Reasoning: false), [Web]);

        Assert.Equal(2, prompts.Count);
        Assert.Contains("Jamaica", prompts[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_without_reads_first_how_to_ask_for_its_tools()
    {
        var prompts = SystemPrompts.For(new(NativeTools: false, Reasoning: false), [Web]);

        Assert.Equal(3, prompts.Count);
        Assert.Contains("<function_calls>", prompts[0], StringComparison.Ordinal);
        Assert.Contains("search_web: Searches the web.", prompts[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Without_tools_nothing_is_said_about_calling() => Assert.Equal(2, SystemPrompts.For(new(NativeTools: false, Reasoning: false), []).Count);

    [Fact]
    public void A_thinker_is_prompted_otherwise() =>
        Assert.NotEqual(SystemPrompts.For(new(true, true), [])[0], SystemPrompts.For(new(true, false), [])[0]);

    [Fact]
    public async Task Each_route_is_prompted_for_its_own_model_and_web_search_is_offered_only_when_it_is_on()
    {
        using var provider = new ScriptedProvider();
        provider.Knobs.AgentSecondaryModel = "someone/without-tools";
        provider.Refuses(500).Answers(Answers.Text("x"), Answers.Finish("stop"), Answers.Done);

        await provider.RunAsync(ScriptedProvider.Turn() with { Tools = [Web, new("get_current_time", "Tells the time.", "{}")], WebSearch = false });

        Assert.Contains("\"tool_choice\":\"auto\"", provider.Requests[0].Body, StringComparison.Ordinal);
        Assert.DoesNotContain("\"name\":\"search_web\"", provider.Requests[0].Body, StringComparison.Ordinal);
        Assert.DoesNotContain("tool_choice", provider.Requests[1].Body, StringComparison.Ordinal);
        Assert.Contains("get_current_time: Tells the time.", provider.Requests[1].Body, StringComparison.Ordinal);
        Assert.DoesNotContain("Searches the web.", provider.Requests[1].Body, StringComparison.Ordinal);
    }
}
