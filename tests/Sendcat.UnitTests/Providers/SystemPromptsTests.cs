using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.ApiService.Providers.Prompts;

namespace Sendcat.UnitTests.Providers;

public class SystemPromptsTests
{
    private static readonly ToolDeclaration Web = new("search_web", "Searches the web.", """{"type":"object"}""");

    [Fact]
    public void A_model_with_native_tools_gets_the_strategy_and_persona_prompts()
    {
        var prompts = SystemPrompts.For(new(NativeTools: true, Reasoning: false), [Web]);

        Assert.Equal(2, prompts.Count);
        Assert.Contains("Jamaica", prompts[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_without_native_tools_gets_the_tool_call_instructions_first()
    {
        var prompts = SystemPrompts.For(new(NativeTools: false, Reasoning: false), [Web]);

        Assert.Equal(3, prompts.Count);
        Assert.Contains("<function_calls>", prompts[0], StringComparison.Ordinal);
        Assert.Contains("search_web: Searches the web.", prompts[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Without_tools_there_are_no_tool_call_instructions() =>
        Assert.Equal(2, SystemPrompts.For(new(NativeTools: false, Reasoning: false), []).Count);

    [Fact]
    public void A_reasoning_model_gets_a_different_prompt() =>
        Assert.NotEqual(SystemPrompts.For(new(true, true), [])[0], SystemPrompts.For(new(true, false), [])[0]);

    [Fact]
    public async Task Each_route_is_prompted_for_its_own_model_and_web_search_is_offered_only_when_it_is_on()
    {
        using var provider = new ScriptedProvider();
        provider.Knobs.AgentSecondaryModel = "someone/without-tools";
        provider.Refuses(500).RespondsWith(ProviderResponses.Text("x"), ProviderResponses.Finish("stop"), ProviderResponses.Done);

        await provider.RunAsync(
            ScriptedProvider.Request() with { Tools = [Web, new("get_current_time", "Tells the time.", "{}")], WebSearch = false });

        Assert.Contains("\"tool_choice\":\"auto\"", provider.Requests[0].Body, StringComparison.Ordinal);
        Assert.DoesNotContain("\"name\":\"search_web\"", provider.Requests[0].Body, StringComparison.Ordinal);
        Assert.DoesNotContain("tool_choice", provider.Requests[1].Body, StringComparison.Ordinal);
        Assert.Contains("get_current_time: Tells the time.", provider.Requests[1].Body, StringComparison.Ordinal);
        Assert.DoesNotContain("Searches the web.", provider.Requests[1].Body, StringComparison.Ordinal);
    }
}
