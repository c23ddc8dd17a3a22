using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.UpstreamEmulator;

/// <summary>Markers in a prompt that control the emulated OpenRouter.</summary>
public sealed class MarkersTests : EmulatorTests
{
    [Fact]
    public async Task The_readme_documents_every_marker_and_every_scripted_model()
    {
        var readme = await OpenRouter.Http.GetStringAsync("readme");
        var markers = await OpenRouter.Http.GetFromJsonAsync<string[]>("openrouter/emulator/markers");
        var models = (await OpenRouter.Http.GetFromJsonAsync<JsonElement>("openrouter/api/v1/models")).GetProperty("data").EnumerateArray()
            .Select(m => m.GetProperty("id").GetString()!);

        Assert.All(markers!, marker => Assert.Matches($"`{marker}[`=]", readme));
        Assert.All(
            models.Where(m => m.StartsWith("emulator/", StringComparison.Ordinal)),
            model => Assert.Contains($"`{model}`", readme, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Chunks_are_numbered()
    {
        var result = await OpenRouter.StreamAsync("[[emu chunks=5]] [[emu every=0]] anything");

        Assert.Equal("1 2 3 4 5 ", result.Text);
        Assert.True(result.Done);
    }

    [Fact]
    public async Task An_error_response_has_the_status_retry_after_and_body_of_OpenRouter()
    {
        using var response = await OpenRouter.SendAsync("[[emu status=429 retry-after=2]]");
        var error = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error");

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(2), response.Headers.RetryAfter?.Delta);
        Assert.Equal(429, error.GetProperty("code").GetInt32());
        Assert.Equal("rate_limit_exceeded", error.GetProperty("metadata").GetProperty("error_type").GetString());
    }

    [Theory]
    [InlineData("emulator/no-credit", HttpStatusCode.PaymentRequired)]
    [InlineData("emulator/missing", HttpStatusCode.NotFound)]
    [InlineData("emulator/bad-gateway", HttpStatusCode.BadGateway)]
    [InlineData("emulator/overloaded", HttpStatusCode.ServiceUnavailable)]
    public async Task A_scripted_model_fails_with_its_status(string model, HttpStatusCode status)
    {
        using var response = await OpenRouter.SendAsync("hello", model);

        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task A_marker_for_one_model_does_not_affect_another()
    {
        const string prompt = "[[emu model=moonshotai/kimi-k2.5 status=503]] [[emu chunks=1]] hello";

        using var primary = await OpenRouter.SendAsync(prompt, "moonshotai/kimi-k2.5");
        var secondary = await OpenRouter.StreamAsync(prompt, "openai/gpt-5");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, primary.StatusCode);
        Assert.True(secondary.Done);
    }

    [Fact]
    public async Task A_list_of_models_falls_back_to_the_first_that_succeeds()
    {
        var result = await OpenRouter.StreamAsync(new
        {
            models = new[] { "emulator/missing", "emulator/overloaded", "emulator/echo" }, stream = true,
            messages = new[] { new { role = "user", content = "hello" } },
        });

        Assert.Equal("emulator/echo", result.Chunks[0].GetProperty("model").GetString());
        Assert.Equal("hello", result.Text);
    }

    [Fact]
    public async Task A_fault_limited_to_attempts_ends_after_them_and_applies_again_to_another_conversation()
    {
        const string prompt = "[[emu status-once=503 times=2]] [[emu chunks=1]] hello";

        var statuses = new List<HttpStatusCode>();
        for (var attempt = 0; attempt < 3; attempt++)
        {
            using var response = await OpenRouter.SendAsync(prompt);
            statuses.Add(response.StatusCode);
        }

        using var other = await OpenRouter.SendAsync(new
        {
            model = "test/model", stream = true, session_id = "another", messages = new[] { new { role = "user", content = prompt } },
        });

        Assert.Equal([HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK], statuses);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, other.StatusCode);
    }

    [Fact]
    public async Task Standing_directions_apply_to_every_request_until_they_are_cleared()
    {
        using var posted = await OpenRouter.Http.PostAsync(
            "openrouter/emulator/directions", new StringContent("""[[emu call=1 text="standing"]]"""));
        var during = await OpenRouter.StreamAsync("hello");
        using var wrong = await OpenRouter.Http.PostAsync("openrouter/emulator/directions", new StringContent("[[emu every=soon]]"));
        using var deleted = await OpenRouter.Http.DeleteAsync("openrouter/emulator/directions");
        var after = await OpenRouter.StreamAsync("[[emu every=0]] hello");

        Assert.Equal(HttpStatusCode.NoContent, posted.StatusCode);
        Assert.Equal("standing", during.Text);
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.NotEqual("standing", after.Text);
    }

    [Theory]
    [InlineData("code=502", false, null, true)]
    [InlineData("code=server_error", true, "error", false)]
    public async Task An_error_after_the_first_token_has_either_documented_shape(string code, bool isText, string? finish, bool done)
    {
        var result = await OpenRouter.StreamAsync($"[[emu chunks=6 every=0 error-after=3 {code}]]");

        Assert.Equal("1 2 3 ", result.Text);
        Assert.Equal(isText ? JsonValueKind.String : JsonValueKind.Number, result.Error!.Value.GetProperty("code").ValueKind);
        Assert.Equal(finish, result.Choices.Last().GetProperty("finish_reason").GetString());
        Assert.Equal(done, result.Done);
    }

    [Fact]
    public async Task An_error_can_come_after_the_finish_reason_with_usage()
    {
        var result = await OpenRouter.StreamAsync("[[emu chunks=2 every=0 finish=length error-after=finish code=400]]");

        Assert.Equal(["length"], result.FinishReasons);
        Assert.Equal(400, result.Error!.Value.GetProperty("code").GetInt32());
        Assert.NotNull(result.Usage);
        Assert.True(result.Done);
    }

    [Fact]
    public async Task An_error_can_be_the_first_event()
    {
        var result = await OpenRouter.StreamAsync("[[emu error-after=0 code=429]]");

        Assert.Single(result.Chunks);
        Assert.Equal(429, result.Error!.Value.GetProperty("code").GetInt32());
    }

    [Theory]
    [InlineData("rst", false)]
    [InlineData("fin", false)]
    [InlineData("rst", true)]
    public async Task A_cut_connection_is_an_error_for_the_reader(string cut, bool h2c)
    {
        using var eitherProtocol = new EmulatorClient(Emulator, h2c);

        var failure = await Record.ExceptionAsync(() => eitherProtocol.StreamAsync($"[[emu chunks=6 every=0 cut-after=3 cut={cut}]]"));

        Assert.True(failure is IOException or HttpRequestException, failure?.ToString() ?? "no failure");
        Assert.Equal(1, (await Emulator.Stats.WaitForAsync(s => s.Totals.Active == 0)).Totals.Broken);
    }

    [Fact]
    public async Task A_stream_can_end_cleanly_without_a_finish_reason()
    {
        var result = await OpenRouter.StreamAsync("[[emu chunks=6 every=0 cut-after=3 cut=eof]]");

        Assert.Equal("1 2 3 ", result.Text);
        Assert.Empty(result.FinishReasons);
        Assert.False(result.Done);
    }

    [Fact]
    public async Task A_malformed_line_is_followed_by_valid_ones()
    {
        var result = await OpenRouter.StreamAsync("[[emu chunks=4 every=0 bad-json-after=2]]");

        Assert.Equal(2, result.Events.ToList().FindIndex(e => !e.EndsWith('}')));
        Assert.Equal("1 2 3 4 ", result.Text);
    }

    [Fact]
    public async Task A_giant_line_has_the_requested_length()
    {
        var result = await OpenRouter.StreamAsync("[[emu chunks=2 every=0 giant-line=2mb]]");

        Assert.Equal((2 << 20) + "1 2 ".Length, result.Text.Length);
    }

    [Fact]
    public async Task Reasoning_precedes_the_text_and_is_in_both_fields_of_each_event()
    {
        var result = await OpenRouter.StreamAsync("[[emu reasoning=3 chunks=1 every=0]]");

        Assert.NotEmpty(result.Reasoning);
        Assert.Equal(
            result.Reasoning,
            string.Concat(result.Deltas.Take(3).Select(d => d.GetProperty("reasoning_details")[0].GetProperty("text").GetString())));
        Assert.Equal("1 ", result.Text);
    }

    [Fact]
    public async Task Parallel_calls_can_be_interleaved_with_index_gaps_and_empty_ids()
    {
        var result = await OpenRouter.StreamAsync("""[[emu tool=search_web args={"query":"a ]] b"} tool=get_current_time tool-order=interleaved tool-index=gap tool-ids=empty-later tool-names=empty-later]]""");

        Assert.Equal("""{"query":"a ]] b"}""", result.Arguments(1));
        Assert.Equal("{}", result.Arguments(3));
        Assert.Equal([1, 3, 1], result.ToolFragments.Take(3).Select(f => f.GetProperty("index").GetInt32()));
        Assert.Equal("", result.ToolFragments[2].GetProperty("id").GetString());
        Assert.Equal("", result.ToolFragments[2].GetProperty("function").GetProperty("name").GetString());
    }

    [Fact]
    public async Task Ids_and_indexes_can_be_late_or_missing()
    {
        var late = await OpenRouter.StreamAsync("[[emu tool=get_current_time tool-ids=late tool-split=2]]");
        var missing = await OpenRouter.StreamAsync("[[emu tool=get_current_time tool-ids=missing tool-index=missing tool-split=1]]");

        Assert.False(late.ToolFragments[0].TryGetProperty("id", out _));
        Assert.StartsWith("call_", late.ToolFragments[^1].GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.False(Assert.Single(missing.ToolFragments).TryGetProperty("id", out _));
        Assert.False(missing.ToolFragments[0].TryGetProperty("index", out _));
    }

    [Theory]
    [InlineData("function-calls", """<function_calls>[{"name":"search_web","arguments":{"query":"kettle"}}]</function_calls>""")]
    [InlineData("double-bracket", "[[SEARCH: kettle]]")]
    [InlineData("bracket", "[search_web: \"kettle\"]")]
    [InlineData(
        "minimax",
        """<minimax:tool_call><invoke name="search_web"><parameter name="query">kettle</parameter></invoke></minimax:tool_call>""")]
    [InlineData("minimax-escaped", """<invoke name=\"search_web\"><parameter name=\"query\">kettle</parameter>""")]
    public async Task Tool_calls_can_be_emitted_as_markup_in_the_text(string form, string expected)
    {
        var result = await OpenRouter.StreamAsync($$"""[[emu every=0 markup={{form}} tool=search_web args={"query":"kettle"}]]""");

        Assert.Contains(expected, result.Text, StringComparison.Ordinal);
        Assert.Empty(result.ToolFragments);
        Assert.Equal("stop", result.FinishReasons[^1]);
    }

    [Theory]
    [InlineData("usage=none", 0, false)]
    [InlineData("usage=same", 1, true)]
    [InlineData("usage=empty-choices", 0, true)]
    public async Task Usage_is_sent_where_the_marker_requests_it(string usage, int choicesBesideUsage, bool expected)
    {
        var result = await OpenRouter.StreamAsync($"[[emu chunks=1 every=0 {usage}]]");

        Assert.Equal(expected, result.Usage is not null);
        Assert.Single(result.FinishReasons);
        if (expected)
        {
            Assert.Equal(
                choicesBesideUsage, result.Chunks.Single(c => c.TryGetProperty("usage", out _)).GetProperty("choices").GetArrayLength());
        }
    }

    [Fact]
    public async Task Framing_does_not_change_the_text()
    {
        const string text = "crème 🇯🇲 — “quoted” \\ and more";

        var plain = await OpenRouter.StreamAsync($"[[emu echo every=0]] {text}");
        var reframed = await OpenRouter.StreamAsync($"[[emu echo every=0 crlf no-space comments split-bytes=5]] {text}");

        Assert.Equal(text, plain.Text);
        Assert.Equal(text, reframed.Text);
        Assert.True(reframed.Done);
    }

    [Fact]
    public async Task A_stamp_carries_the_write_time_of_each_chunk()
    {
        var before = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());

        var result = await OpenRouter.StreamAsync("[[emu chunks=2 every=0 stamp]]");

        var stamps = result.Deltas.Select(d => d.GetProperty("content").GetString()!).Where(c => c.StartsWith('@'))
            .Select(c => DateTimeOffset.UnixEpoch.AddMicroseconds(long.Parse(c.AsSpan(1, 16)))).ToList();
        Assert.Equal(2, stamps.Count);
        Assert.All(stamps, s => Assert.InRange(s, before, TimeProvider.System.GetUtcNow()));
    }
}
