using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.UpstreamEmulator;

public sealed class MarkersTests : IAsyncLifetime
{
    private UpstreamEmulatorHost emulator = null!;
    private EmulatorClient client = null!;

    public async ValueTask InitializeAsync()
    {
        emulator = await UpstreamEmulatorHost.StartAsync();
        client = new(emulator);
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await emulator.DisposeAsync();
    }

    [Fact]
    public async Task The_readme_explains_every_marker_and_every_model_with_a_habit()
    {
        var readme = await client.Http.GetStringAsync("readme");
        var markers = await client.Http.GetFromJsonAsync<string[]>("openrouter/emulator/markers");
        var models = (await client.Http.GetFromJsonAsync<JsonElement>("openrouter/api/v1/models")).GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()!);

        Assert.All(markers!, marker => Assert.Matches($"`{marker}[`=]", readme));
        Assert.All(models.Where(m => m.StartsWith("emulator/", StringComparison.Ordinal)), model => Assert.Contains($"`{model}`", readme, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Numbered_chunks_tell_what_is_missing()
    {
        var answer = await client.AskAsync("[[emu chunks=5]] [[emu every=0]] anything");

        Assert.Equal("1 2 3 4 5 ", answer.Text);
        Assert.True(answer.Done);
    }

    [Fact]
    public async Task A_refusal_has_the_status_the_retry_time_and_the_body_of_OpenRouter()
    {
        using var response = await client.SendAsync("[[emu status=429 retry-after=2]]");
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
    public async Task A_model_with_a_habit_refuses_by_its_name(string model, HttpStatusCode status)
    {
        using var response = await client.SendAsync("hello", model);

        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task A_rule_for_one_model_leaves_the_other_alone()
    {
        const string prompt = "[[emu model=moonshotai/kimi-k2.5 status=503]] [[emu chunks=1]] hello";

        using var primary = await client.SendAsync(prompt, "moonshotai/kimi-k2.5");
        var secondary = await client.AskAsync(prompt, "openai/gpt-5");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, primary.StatusCode);
        Assert.True(secondary.Done);
    }

    [Fact]
    public async Task A_list_of_models_falls_back_to_the_first_that_answers()
    {
        var answer = await client.AskAsync(new { models = new[] { "emulator/missing", "emulator/overloaded", "emulator/echo" }, stream = true, messages = new[] { new { role = "user", content = "hello" } } });

        Assert.Equal("emulator/echo", answer.Chunks[0].GetProperty("model").GetString());
        Assert.Equal("hello", answer.Text);
    }

    [Fact]
    public async Task A_fault_that_is_limited_to_attempts_goes_away_for_a_retry_and_returns_for_another_conversation()
    {
        const string prompt = "[[emu status-once=503 times=2]] [[emu chunks=1]] hello";

        var statuses = new List<HttpStatusCode>();
        for (var attempt = 0; attempt < 3; attempt++)
        {
            using var response = await client.SendAsync(prompt);
            statuses.Add(response.StatusCode);
        }

        using var other = await client.SendAsync(new { model = "test/model", stream = true, session_id = "another", messages = new[] { new { role = "user", content = prompt } } });

        Assert.Equal([HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK], statuses);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, other.StatusCode);
    }

    [Fact]
    public async Task Standing_directions_concern_everyone_until_they_are_cleared()
    {
        using var posted = await client.Http.PostAsync("openrouter/emulator/directions", new StringContent("""[[emu call=1 text="standing"]]"""));
        var during = await client.AskAsync("hello");
        using var wrong = await client.Http.PostAsync("openrouter/emulator/directions", new StringContent("[[emu every=soon]]"));
        using var deleted = await client.Http.DeleteAsync("openrouter/emulator/directions");
        var after = await client.AskAsync("[[emu every=0]] hello");

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
        var answer = await client.AskAsync($"[[emu chunks=6 every=0 error-after=3 {code}]]");

        Assert.Equal("1 2 3 ", answer.Text);
        Assert.Equal(isText ? JsonValueKind.String : JsonValueKind.Number, answer.Error!.Value.GetProperty("code").ValueKind);
        Assert.Equal(finish, answer.Choices.Last().GetProperty("finish_reason").GetString());
        Assert.Equal(done, answer.Done);
    }

    [Fact]
    public async Task An_error_can_come_after_the_finish_reason_with_usage()
    {
        var answer = await client.AskAsync("[[emu chunks=2 every=0 finish=length error-after=finish code=400]]");

        Assert.Equal(["length"], answer.FinishReasons);
        Assert.Equal(400, answer.Error!.Value.GetProperty("code").GetInt32());
        Assert.NotNull(answer.Usage);
        Assert.True(answer.Done);
    }

    [Fact]
    public async Task An_error_can_be_the_very_first_event()
    {
        var answer = await client.AskAsync("[[emu error-after=0 code=429]]");

        Assert.Single(answer.Chunks);
        Assert.Equal(429, answer.Error!.Value.GetProperty("code").GetInt32());
    }

    [Theory]
    [InlineData("rst", false)]
    [InlineData("fin", false)]
    [InlineData("rst", true)]
    public async Task A_cut_connection_is_an_error_for_the_reader(string cut, bool h2c)
    {
        using var either = new EmulatorClient(emulator, h2c);

        var failure = await Record.ExceptionAsync(() => either.AskAsync($"[[emu chunks=6 every=0 cut-after=3 cut={cut}]]"));

        Assert.True(failure is IOException or HttpRequestException, failure?.ToString() ?? "no failure");
        Assert.Equal(1, (await emulator.Stats.WaitForAsync(s => s.Totals.Active == 0)).Totals.Broken);
    }

    [Fact]
    public async Task A_clean_end_without_a_finish_reason_looks_like_an_end()
    {
        var answer = await client.AskAsync("[[emu chunks=6 every=0 cut-after=3 cut=eof]]");

        Assert.Equal("1 2 3 ", answer.Text);
        Assert.Empty(answer.FinishReasons);
        Assert.False(answer.Done);
    }

    [Fact]
    public async Task A_bad_line_stands_between_good_ones()
    {
        var answer = await client.AskAsync("[[emu chunks=4 every=0 bad-json-after=2]]");

        Assert.Equal(2, answer.Events.ToList().FindIndex(e => !e.EndsWith('}')));
        Assert.Equal("1 2 3 4 ", answer.Text);
    }

    [Fact]
    public async Task A_giant_line_is_as_long_as_was_asked()
    {
        var answer = await client.AskAsync("[[emu chunks=2 every=0 giant-line=2mb]]");

        Assert.Equal((2 << 20) + "1 2 ".Length, answer.Text.Length);
    }

    [Fact]
    public async Task Reasoning_comes_before_the_text_and_twice_in_each_event()
    {
        var answer = await client.AskAsync("[[emu reasoning=3 chunks=1 every=0]]");

        Assert.NotEmpty(answer.Reasoning);
        Assert.Equal(answer.Reasoning, string.Concat(answer.Deltas.Take(3).Select(d => d.GetProperty("reasoning_details")[0].GetProperty("text").GetString())));
        Assert.Equal("1 ", answer.Text);
    }

    [Fact]
    public async Task Parallel_calls_can_be_interleaved_with_gaps_and_empty_ids_and_still_add_up()
    {
        var answer = await client.AskAsync("""[[emu tool=search_web args={"query":"a ]] b"} tool=get_current_time tool-order=interleaved tool-index=gap tool-ids=empty-later tool-names=empty-later]]""");

        Assert.Equal("""{"query":"a ]] b"}""", answer.Arguments(1));
        Assert.Equal("{}", answer.Arguments(3));
        Assert.Equal([1, 3, 1], answer.ToolFragments.Take(3).Select(f => f.GetProperty("index").GetInt32()));
        Assert.Equal("", answer.ToolFragments[2].GetProperty("id").GetString());
        Assert.Equal("", answer.ToolFragments[2].GetProperty("function").GetProperty("name").GetString());
    }

    [Fact]
    public async Task Ids_and_indexes_can_be_late_or_missing()
    {
        var late = await client.AskAsync("[[emu tool=get_current_time tool-ids=late tool-split=2]]");
        var missing = await client.AskAsync("[[emu tool=get_current_time tool-ids=missing tool-index=missing tool-split=1]]");

        Assert.False(late.ToolFragments[0].TryGetProperty("id", out _));
        Assert.StartsWith("call_", late.ToolFragments[^1].GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.False(Assert.Single(missing.ToolFragments).TryGetProperty("id", out _));
        Assert.False(missing.ToolFragments[0].TryGetProperty("index", out _));
    }

    [Theory]
    [InlineData("function-calls", """<function_calls>[{"name":"search_web","arguments":{"query":"kettle"}}]</function_calls>""")]
    [InlineData("double-bracket", "[[SEARCH: kettle]]")]
    [InlineData("bracket", "[search_web: \"kettle\"]")]
    [InlineData("minimax", """<minimax:tool_call><invoke name="search_web"><parameter name="query">kettle</parameter></invoke></minimax:tool_call>""")]
    [InlineData("minimax-escaped", """<invoke name=\"search_web\"><parameter name=\"query\">kettle</parameter>""")]
    public async Task Calls_can_be_written_into_the_text(string form, string expected)
    {
        var answer = await client.AskAsync($$"""[[emu every=0 markup={{form}} tool=search_web args={"query":"kettle"}]]""");

        Assert.Contains(expected, answer.Text, StringComparison.Ordinal);
        Assert.Empty(answer.ToolFragments);
        Assert.Equal("stop", answer.FinishReasons[^1]);
    }

    [Theory]
    [InlineData("usage=none", 0, false)]
    [InlineData("usage=same", 1, true)]
    [InlineData("usage=empty-choices", 0, true)]
    public async Task Usage_comes_where_it_was_asked_for(string usage, int choicesBesideUsage, bool comes)
    {
        var answer = await client.AskAsync($"[[emu chunks=1 every=0 {usage}]]");

        Assert.Equal(comes, answer.Usage is not null);
        Assert.Single(answer.FinishReasons);
        if (comes)
        {
            Assert.Equal(choicesBesideUsage, answer.Chunks.Single(c => c.TryGetProperty("usage", out _)).GetProperty("choices").GetArrayLength());
        }
    }

    [Fact]
    public async Task Framing_does_not_change_the_words()
    {
        const string text = "crème 🇯🇲 — “quoted” \\ and more";

        var plain = await client.AskAsync($"[[emu echo every=0]] {text}");
        var odd = await client.AskAsync($"[[emu echo every=0 crlf no-space comments split-bytes=5]] {text}");

        Assert.Equal(text, plain.Text);
        Assert.Equal(text, odd.Text);
        Assert.True(odd.Done);
    }

    [Fact]
    public async Task A_stamp_tells_when_each_piece_was_written()
    {
        var before = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());

        var answer = await client.AskAsync("[[emu chunks=2 every=0 stamp]]");

        var stamps = answer.Deltas.Select(d => d.GetProperty("content").GetString()!).Where(c => c.StartsWith('@')).Select(c => DateTimeOffset.UnixEpoch.AddMicroseconds(long.Parse(c.AsSpan(1, 16)))).ToList();
        Assert.Equal(2, stamps.Count);
        Assert.All(stamps, s => Assert.InRange(s, before, TimeProvider.System.GetUtcNow()));
    }
}
