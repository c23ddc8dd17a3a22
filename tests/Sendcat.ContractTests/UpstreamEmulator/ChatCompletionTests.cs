using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Sendcat.ContractTests.UpstreamEmulator;

/// <summary>Chat completions and the model catalogue of the emulated OpenRouter.</summary>
public sealed class ChatCompletionTests : EmulatorTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_plain_prompt_streams_in_the_OpenRouter_format(bool h2c)
    {
        using var eitherProtocol = new EmulatorClient(Emulator, h2c);

        using var response = await eitherProtocol.SendAsync("[[emu every=0]] Which kettle is good?", "moonshotai/kimi-k2.5");
        var text = await response.Content.ReadAsStringAsync();

        Assert.StartsWith(": OPENROUTER PROCESSING\n\ndata: {\"id\":\"gen-", text, StringComparison.Ordinal);
        Assert.StartsWith("gen-", response.Headers.GetValues("X-Generation-Id").Single(), StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
        Assert.Equal(h2c ? HttpVersion.Version20 : HttpVersion.Version11, response.Version);
    }

    [Fact]
    public async Task The_same_prompt_gets_the_same_text_and_usage_follows_the_finish_reason()
    {
        var first = await OpenRouter.StreamAsync("[[emu every=0]] Which kettle is good?", "moonshotai/kimi-k2.5");
        var second = await OpenRouter.StreamAsync("[[emu every=0]] Which kettle is good?", "moonshotai/kimi-k2.5");

        Assert.Equal(first.Text, second.Text);
        Assert.InRange(first.Deltas.Count(d => d.GetProperty("content").GetString() is { Length: > 0 }), 20, 40);
        Assert.Equal(["stop", "stop"], first.FinishReasons);
        Assert.True(first.Chunks[^1].TryGetProperty("usage", out var usage));
        Assert.Equal(
            usage.GetProperty("total_tokens").GetInt32(),
            usage.GetProperty("prompt_tokens").GetInt32() + usage.GetProperty("completion_tokens").GetInt32());
        Assert.Equal("Moonshot AI", first.Chunks[0].GetProperty("provider").GetString());
        Assert.True(first.Done);
    }

    [Fact]
    public async Task A_product_prompt_calls_the_tool_and_the_final_text_contains_the_tool_result()
    {
        object[] tools = [EmulatorClient.Tool("search_products"), EmulatorClient.Tool("get_current_time")];
        object userMessage = new { role = "user", content = "find me running shoes under 80 dollars" };

        var call = await OpenRouter.StreamAsync(new { model = "a/b", stream = true, messages = new[] { userMessage }, tools });
        var id = call.ToolFragments[0].GetProperty("id").GetString();
        var arguments = call.Arguments(0);
        var result = await OpenRouter.StreamAsync(new
        {
            model = "a/b",
            stream = true,
            tools,
            messages = new[]
            {
                userMessage,
                new
                {
                    role = "assistant", content = (string?)null,
                    tool_calls = new[] { new { id, type = "function", function = new { name = "search_products", arguments } } },
                },
                new { role = "tool", tool_call_id = id, content = """[{"title":"Trail Runner 5","price":"$59.00"}]""" },
            },
        });

        Assert.Equal("search_products", call.ToolFragments[0].GetProperty("function").GetProperty("name").GetString());
        using var parsed = JsonDocument.Parse(arguments);
        Assert.Equal("running shoes", parsed.RootElement.GetProperty("query").GetString());
        Assert.Equal(80, parsed.RootElement.GetProperty("maxPrice").GetInt32());
        Assert.Equal("tool_calls", call.FinishReasons[^1]);
        Assert.Empty(result.ToolFragments);
        Assert.Contains("Trail Runner 5 ($59.00)", result.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("compare two rice cookers under 60 dollars", "search_products", """{"query":"rice cookers","maxPrice":60}""")]
    [InlineData("reviews of rice cookers", "search_web", """{"query":"rice cookers"}""")]
    public async Task A_plain_prompt_calls_the_matching_tool(string prompt, string tool, string arguments)
    {
        object[] tools = [EmulatorClient.Tool("search_products"), EmulatorClient.Tool("search_web")];

        var result = await OpenRouter.StreamAsync(
            new { stream = true, tools, messages = new[] { new { role = "user", content = prompt } } });

        Assert.Equal(
            (tool, arguments), (result.ToolFragments[0].GetProperty("function").GetProperty("name").GetString(), result.Arguments(0)));
    }

    [Fact]
    public async Task A_prompt_for_products_and_reviews_calls_two_tools_in_one_step()
    {
        object[] tools = [EmulatorClient.Tool("search_products"), EmulatorClient.Tool("search_web")];

        var result = await OpenRouter.StreamAsync(new
        {
            stream = true, tools, messages = new[] { new { role = "user", content = "find me rice cookers and the latest reviews" } },
        });

        Assert.Equal(
            ["search_products", "search_web"],
            result.ToolFragments.Select(f => f.GetProperty("function")).Where(f => f.TryGetProperty("name", out _))
                .Select(f => f.GetProperty("name").GetString()));
        Assert.Equal(result.Arguments(0), result.Arguments(1));
    }

    [Fact]
    public async Task A_forced_tool_call_may_contain_search_markers()
    {
        var result = await OpenRouter.StreamAsync(
            """[[emu tool=search_products args={"query":"kettle [[emu at=ebay status=503]]"}]] find me a kettle""");

        Assert.Equal("""{"query":"kettle [[emu at=ebay status=503]]"}""", result.Arguments(0));
    }

    [Fact]
    public async Task A_plain_text_tool_result_is_summarised_by_its_items()
    {
        var result = await OpenRouter.StreamAsync(new
        {
            stream = true,
            messages = new object[]
            {
                new { role = "user", content = "[[emu every=0]] find me pans" },
                new
                {
                    role = "assistant", content = (string?)null,
                    tool_calls = new[]
                    {
                        new { id = "c1", type = "function", function = new { name = "search_products", arguments = "{}" } },
                    },
                },
                new
                {
                    role = "tool", tool_call_id = "c1",
                    content = "2 eBay items are displayed:\n1. Blue pan, USD 12.00\n2. Red pan, USD 13.00",
                },
            },
        });

        Assert.Contains("Blue pan, USD 12.00; Red pan, USD 13.00", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_time_tool_is_called_only_when_it_is_offered_and_allowed()
    {
        object[] tools = [EmulatorClient.Tool("get_current_time")];
        object[] messages = [new { role = "user", content = "What time is it in Kingston?" }];

        var offered = await OpenRouter.StreamAsync(new { stream = true, messages, tools });
        var forbidden = await OpenRouter.StreamAsync(new { stream = true, messages, tools, tool_choice = "none" });
        var missing = await OpenRouter.StreamAsync(new { stream = true, messages });

        Assert.Equal("{}", offered.Arguments(0));
        Assert.Empty(forbidden.ToolFragments);
        Assert.Empty(missing.ToolFragments);
    }

    [Fact]
    public async Task Without_streaming_the_response_is_one_JSON_object()
    {
        using var response = await OpenRouter.SendAsync(
            new { model = "emulator/echo", messages = new[] { new { role = "user", content = "Say \"é\" 🇯🇲" } } });
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal("chat.completion", body.GetProperty("object").GetString());
        Assert.Equal("Say \"é\" 🇯🇲", body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.True(body.GetProperty("usage").GetProperty("total_tokens").GetInt32() > 0);
    }

    [Fact]
    public async Task Without_streaming_tool_calls_are_complete()
    {
        using var response = await OpenRouter.SendAsync(
            new { messages = new[] { new { role = "user", content = """[[emu tool=search_web args={"query":"kettle"} id=call_1]]""" } } });
        var choice = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("choices")[0];

        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("message").GetProperty("content").ValueKind);
        Assert.Equal(
            """{"query":"kettle"}""",
            choice.GetProperty("message").GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments").GetString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer")]
    [InlineData("Bearer bad")]
    public async Task A_missing_or_invalid_key_is_401(string? authorization)
    {
        using var http = new HttpClient { BaseAddress = Emulator.Http1 };
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);

        using var response = await http.PostAsJsonAsync("openrouter/api/v1/chat/completions", EmulatorClient.Body("hello"));

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(401, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetProperty("code").GetInt32());
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    [InlineData("""{"messages":[]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"[[emu no-such-marker]]"}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"[[emu every=soon]]"}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"[[emu chunks=2"}]}""")]
    public async Task An_invalid_request_gets_an_error_status(string body)
    {
        using var response = await OpenRouter.Http.PostAsync("openrouter/api/v1/chat/completions", new StringContent(body));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task The_catalogue_lists_capabilities_and_prices_and_can_be_made_to_fail()
    {
        var models = (await OpenRouter.Http.GetFromJsonAsync<JsonElement>(
            "openrouter/api/v1/models")).GetProperty("data").EnumerateArray().ToList();
        Emulator.Direct("[[emu catalog=error]]");
        using var failed = await OpenRouter.Http.GetAsync("openrouter/api/v1/models");

        var kimi = models.Single(m => m.GetProperty("id").GetString() == "moonshotai/kimi-k2.5");
        Assert.Contains("tools", kimi.GetProperty("supported_parameters").EnumerateArray().Select(p => p.GetString()));
        Assert.True(kimi.GetProperty("context_length").GetInt32() > 0);
        Assert.NotNull(kimi.GetProperty("pricing").GetProperty("prompt").GetString());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, failed.StatusCode);
    }

    [Fact]
    public async Task Received_requests_are_recorded_without_their_key()
    {
        await OpenRouter.StreamAsync("[[emu chunks=1]] hello");

        var request = Assert.Single(Emulator.Requests);
        Assert.Equal("test/model", request.Body.GetProperty("model").GetString());
        Assert.DoesNotContain("Authorization", request.Headers.Keys);
    }
}
