using System.Text;
using CsCheck;
using static Sendcat.UnitTests.Providers.Answers;

namespace Sendcat.UnitTests.Providers;

public class OpenRouterReaderTests
{
    [Fact]
    public async Task Text_comes_through_with_model_and_usage_behind_the_finish_reason()
    {
        var answer = await ReadAsync(": OPENROUTER PROCESSING\n\n" + Text("Good ") + ": OPENROUTER PROCESSING\n\n" + Text("morning, Zoë 🦜") + Finish("stop") + Usage() + Done);

        Assert.Equal("Good morning, Zoë 🦜", answer.Text);
        Assert.Equal("stop", answer.Finish);
        Assert.Equal("m/one", answer.Model);
        Assert.Equal(new(11, 7, 18, 4, 3, 0.0025m), answer.Usage);
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public async Task Lines_may_end_in_three_ways(string end)
    {
        var answer = await ReadAsync((Text("a") + Text("b") + Finish("stop") + Done).Replace("\n", end, StringComparison.Ordinal));

        Assert.Equal(("ab", "stop"), (answer.Text, answer.Finish));
    }

    [Theory]
    [InlineData("data:{0}\n\n")]
    [InlineData("event: message\nid: 7\nretry: 10\ndata: {0}\n\n")]
    [InlineData("data: {0}\n")]
    [InlineData("data\ndata:\ndata: {0}\n\n")]
    [InlineData("\uFEFFdata: {0}\n\n")]
    public async Task Framing_may_be_loose(string frame)
    {
        var chunk = """{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}""";

        var answer = await ReadAsync(frame.Replace("{0}", chunk, StringComparison.Ordinal));

        Assert.Equal(("x", "stop"), (answer.Text, answer.Finish));
    }

    [Fact]
    public async Task Words_that_come_with_every_event_are_kept_short()
    {
        var (id, name, model) = (new string('i', 5_000), new string('n', 5_000), new string('m', 5_000));

        var answer = await ReadAsync(
            Data($$$"""{"model":"{{{model}}}","choices":[{"delta":{"tool_calls":[{"index":0,"id":"{{{id}}}","function":{"name":"{{{name}}}","arguments":"{}"}}]}}]}""") + Finish("tool_calls") + Done);

        Assert.Equal($"made-up:{name[..256]}:{{}}", answer.Calls);
        Assert.Equal("m/one", answer.Model);
    }

    [Fact]
    public async Task Arguments_of_many_calls_are_bounded_together()
    {
        var chunk = new string('x', 60_000);

        var answer = await ReadAsync(string.Concat(Enumerable.Range(0, 10).Select(n => Data($$$"""{"choices":[{"delta":{"tool_calls":[{"index":{{{n}}},"id":"c{{{n}}}","function":{"name":"t","arguments":"{{{chunk}}}"}}]}}]}"""))));

        Assert.NotNull(answer.Error);
        Assert.InRange(answer.Arguments.Length, 1, 400_000);
    }

    [Fact]
    public async Task A_payload_may_take_several_data_lines()
    {
        var answer = await ReadAsync("data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"x\"},\ndata: \"finish_reason\":\"stop\"}]}\n\n" + Done);

        Assert.Equal(("x", "stop"), (answer.Text, answer.Finish));
    }

    [Fact]
    public async Task The_last_line_needs_no_line_end()
    {
        var answer = await ReadAsync(Text("x") + """data: {"choices":[{"delta":{},"finish_reason":"stop"}]}""");

        Assert.Equal(("x", "stop"), (answer.Text, answer.Finish));
    }

    [Theory]
    [InlineData("")]
    [InlineData(": OPENROUTER PROCESSING\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"con")]
    [InlineData("<html>Bad gateway</html>")]
    [InlineData("data: [DONE]\n\n")]
    public async Task An_end_without_a_finish_reason_is_a_failure(string end)
    {
        var answer = await ReadAsync(Text("half an ans") + end);

        Assert.Equal(("half an ans", "upstream_error", null), (answer.Text, answer.Error, answer.Finish));
    }

    [Theory]
    [InlineData("data: {nonsense}\n\n")]
    [InlineData("data: {\"choices\":[}\n\n")]
    [InlineData("data: oops\n\n")]
    [InlineData("data: {}{}\n\n")]
    public async Task What_is_no_JSON_is_a_failure_behind_the_text_before_it(string line)
    {
        var answer = await ReadAsync(Text("kept") + line + Text("lost") + Finish("stop") + Done);

        Assert.Equal(("kept", "upstream_error"), (answer.Text, answer.Error));
    }

    [Fact]
    public async Task A_gigantic_line_is_a_failure()
    {
        var answer = await ReadAsync(Text("kept") + Text(new string('x', 1024 * 1024)) + Finish("stop") + Done);

        Assert.Equal(("kept", "upstream_error"), (answer.Text, answer.Error));
    }

    [Fact]
    public async Task A_line_of_almost_a_mebibyte_is_none()
    {
        var answer = await ReadAsync(Text(new string('x', 1024 * 1023)) + Finish("stop") + Done);

        Assert.Equal((1024 * 1023, "stop"), (answer.Text.Length, answer.Finish));
    }

    [Theory]
    [InlineData("{\"code\":429,\"message\":\"secret words\"}", "upstream_rate_limited")]
    [InlineData("{\"code\":\"502\",\"message\":\"secret words\"}", "upstream_unavailable")]
    [InlineData("{\"code\":\"server_error\",\"message\":\"secret words\"}", "upstream_error")]
    [InlineData("{\"code\":402}", "upstream_quota_exceeded")]
    [InlineData("{\"code\":\"rate_limit_exceeded\"}", "upstream_rate_limited")]
    [InlineData("{\"message\":\"x\",\"metadata\":{\"error_type\":\"provider_overloaded\"}}", "upstream_unavailable")]
    [InlineData("\"just words\"", "upstream_error")]
    public async Task An_error_inside_the_stream_wins_over_any_finish_reason_and_its_usage_counts(string error, string code)
    {
        var answer = await ReadAsync(
            Text("partial") + Finish("length") + Data($$"""{"error":{{error}},"choices":[{"delta":{"content":""},"finish_reason":null}],"usage":{"prompt_tokens":5,"completion_tokens":2} }""") + Done);

        Assert.Equal(("partial", code, null), (answer.Text, answer.Error, answer.Finish));
        Assert.Equal(7, answer.Usage!.TotalTokens);
    }

    [Fact]
    public async Task An_error_of_a_choice_and_the_finish_reason_error_are_failures_too()
    {
        var inChoice = await ReadAsync(Data("""{"choices":[{"delta":{},"error":{"code":503},"finish_reason":"error"}]}""") + Done);
        var bare = await ReadAsync(Text("x") + Finish("error") + Done);

        Assert.Equal("upstream_unavailable", inChoice.Error);
        Assert.Equal(("x", "upstream_error"), (bare.Text, bare.Error));
    }

    [Theory]
    [InlineData("length")]
    [InlineData("content_filter")]
    public async Task Other_finish_reasons_are_handed_on(string reason) => Assert.Equal(reason, (await ReadAsync(Text("x") + Finish(reason) + Done)).Finish);

    [Fact]
    public async Task Usage_may_come_with_the_finish_reason_or_on_a_chunk_of_its_own_or_not_at_all()
    {
        const string Choices = """[{"delta":{"content":"x"},"finish_reason":"stop"}]""";

        Assert.Equal(18, (await ReadAsync(Usage(Choices) + Done)).Usage!.TotalTokens);
        Assert.Equal(18, (await ReadAsync(Data($$"""{"choices":{{Choices}},"usage":null}""") + Usage() + Done)).Usage!.TotalTokens);
        Assert.Null((await ReadAsync(Data($$"""{"choices":{{Choices}} }""") + Done)).Usage);
    }

    [Fact]
    public async Task Members_of_unexpected_types_are_passed_over()
    {
        var answer = await ReadAsync(
            Data("null") + Data("7") + Data("""{"choices":{"a":[1]},"usage":"none","model":5,"id":null,"error":null}""") + Delta("\"content\":null") + Delta("\"content\":{\"a\":[]},\"tool_calls\":null,\"reasoning\":5,\"reasoning_details\":{}")
            + Data("""{"choices":[null,{"delta":null,"finish_reason":7}]}""") + Delta("\"tool_calls\":[null,5]") + Text("ok") + Finish("stop") + Done);

        Assert.Equal(("ok", "stop", ""), (answer.Text, answer.Finish, answer.Calls));
    }

    [Theory]
    [InlineData("\"reasoning\":\"hm\"")]
    [InlineData("\"reasoning_content\":\"hm\"")]
    [InlineData("\"reasoning\":\"hm\",\"reasoning_content\":\"hm\"")]
    [InlineData("\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"hm\",\"index\":0}]")]
    [InlineData("\"content\":\"\",\"reasoning\":\"hm\",\"reasoning_details\":[{\"type\":\"reasoning.summary\",\"summary\":\"hm\",\"index\":0}]")]
    public async Task Reasoning_is_read_from_each_of_its_names_once(string members)
    {
        var answer = await ReadAsync(Delta(members) + Text("x") + Finish("stop") + Done);

        Assert.Equal(("hm", "x"), (answer.Reasoning, answer.Text));
    }

    [Fact]
    public async Task Reasoning_details_are_put_together_for_the_replay()
    {
        var answer = await ReadAsync(
            Delta("""  "reasoning_details":[{"type":"reasoning.text","text":"We ","format":"f1","index":0}]""")
            + Delta("""  "reasoning_details":[{"type":"reasoning.text","text":"look.","format":"f1","index":0}]""")
            + Delta("""  "reasoning_details":[{"type":"reasoning.text","signature":"c2ln","index":0}]""")
            + Delta("""  "reasoning_details":[{"type":"reasoning.encrypted","data":"AAA","id":"rs_1","index":1},{"type":"reasoning.encrypted","data":"BBB","id":"rs_2","index":2}]""")
            + Text("x") + Finish("stop") + Done);

        Assert.Equal("We look.", answer.Reasoning);
        Assert.Equal(
            """[{"type":"reasoning.text","format":"f1","index":0,"signature":"c2ln","text":"We look."},{"type":"reasoning.encrypted","data":"AAA","id":"rs_1","index":1},{"type":"reasoning.encrypted","data":"BBB","id":"rs_2","index":2}]""",
            answer.Details);
    }

    [Fact]
    public async Task Characters_that_a_model_cuts_in_two_are_put_together_and_lone_halves_do_no_harm()
    {
        var cut = await ReadAsync(Delta("\"content\":\"a\\ud83e\"") + Delta("\"content\":\"\\udd9cb\"") + Finish("stop") + Done);
        var lone = await ReadAsync(Delta("\"content\":\"a\\udd9cb\\ud83ec\"") + Delta("\"content\":\"\\ud83e\"") + Text("d") + Finish("stop") + Done);

        Assert.Equal("a🦜b", cut.Text);
        Assert.Equal("a\uFFFDb\uFFFDc\uFFFDd", lone.Text);
    }

    [Fact]
    public async Task Bytes_that_are_no_UTF8_become_replacement_characters()
    {
        byte[] sse = [.. "data: {\"choices\":[{\"delta\":{\"content\":\"a"u8, 0xFF, .. "b\"},\"finish_reason\":\"stop\"}]}\n\n"u8];

        Assert.Equal("a\uFFFDb", (await ReadAsync(sse, [])).Text);
    }

    [Fact]
    public async Task Tool_calls_are_put_together_by_index_and_told_in_its_order()
    {
        var answer = await ReadAsync(
            Delta("""  "content":null,"tool_calls":[{"index":3,"id":"call_b","type":"function","function":{"name":"search_web","arguments":""}}]""")
            + Delta("""  "tool_calls":[{"index":1,"id":"call_a","function":{"name":"get_current_time"}},{"index":3,"function":{"arguments":"{\"query\":"}}]""")
            + Delta("""  "tool_calls":[{"index":3,"id":"","function":{"name":"","arguments":"\"kettle\"}"}}]""")
            + Finish("tool_calls") + Done);

        Assert.Equal("call_b:search_web call_a:get_current_time", answer.Started);
        Assert.Equal("call_b:{\"query\":\"kettle\"}", answer.Arguments);
        Assert.Equal("call_a:get_current_time:{} call_b:search_web:{\"query\":\"kettle\"}", answer.Calls);
        Assert.Equal("tool_calls", answer.Finish);
    }

    [Fact]
    public async Task Half_a_character_in_an_id_or_a_name_is_replaced_and_a_nul_is_left_out()
    {
        var answer = await ReadAsync(Delta("""  "tool_calls":[{"index":0,"id":"\ude00call\u0000_1\ud83d","function":{"name":"f\ud83d","arguments":"{}"}}]""") + Finish("tool_calls") + Done);

        Assert.Equal("\ufffdcall_1\ufffd:f\ufffd:{}", answer.Calls);
    }

    [Fact]
    public async Task A_late_id_or_name_keeps_the_call_back_until_it_comes()
    {
        var answer = await ReadAsync(
            Delta("""  "tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]""") + Delta("""  "tool_calls":[{"index":0,"function":{"name":"f","arguments":":"}}]""")
            + Delta("""  "tool_calls":[{"index":0,"id":"late","function":{"arguments":"1}"}}]""") + Finish("tool_calls") + Done);

        Assert.Equal(("late:f", "late:{\"a\":1}", "late:f:{\"a\":1}"), (answer.Started, answer.Arguments, answer.Calls));
    }

    [Fact]
    public async Task Missing_ids_are_made_up_and_missing_indexes_follow_the_call_before()
    {
        var answer = await ReadAsync(
            Delta("""  "tool_calls":[{"id":"one","function":{"name":"f","arguments":"{"}}]""") + Delta("""  "tool_calls":[{"function":{"arguments":"}"}}]""")
            + Delta("""  "tool_calls":[{"id":"two","function":{"name":"g","arguments":{"x":[1]}}}]""") + Delta("""  "tool_calls":[{"index":9,"function":{"name":"h","arguments":"{}"}}]""")
            + Finish("tool_calls") + Done);

        Assert.Equal("one:f:{} two:g:{\"x\":[1]} made-up:h:{}", answer.Calls);
    }

    [Fact]
    public async Task Two_calls_under_one_index_or_one_id_stay_two()
    {
        var oneIndex = await ReadAsync(
            Delta("""  "tool_calls":[{"index":0,"id":"one","function":{"name":"f","arguments":"{}"}},{"index":0,"id":"two","function":{"name":"g","arguments":"{}"}}]""") + Finish("tool_calls") + Done);
        var oneId = await ReadAsync(
            Delta("""  "tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"x","function":{"name":"g","arguments":"{}"}}]""") + Finish("tool_calls") + Done);

        Assert.Equal("one:f:{} two:g:{}", oneIndex.Calls);
        Assert.Equal("x:f:{} made-up:g:{}", oneId.Calls);
    }

    [Fact]
    public async Task Announced_tool_calls_that_never_come_are_a_failure()
    {
        Assert.Equal("upstream_error", (await ReadAsync(Text("x") + Finish("tool_calls") + Done)).Error);
        Assert.Equal("upstream_error", (await ReadAsync(Delta("""  "tool_calls":[{"index":0,"id":"x","function":{"arguments":"{}"}}]""") + Finish("tool_calls") + Done)).Error);
    }

    [Fact]
    public async Task Endless_arguments_are_a_failure()
    {
        var fragment = Delta($$$"""  "tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{{{new string('1', 100_000)}}}"}}]""");

        Assert.Equal("upstream_error", (await ReadAsync(fragment + fragment + fragment + Finish("tool_calls") + Done)).Error);
    }

    [Fact]
    public async Task However_the_network_cuts_the_bytes_the_answer_means_the_same()
    {
        var piece = Gen.OneOf(
            ": OPENROUTER PROCESSING\n\n", ": x\r\n\r\n", "\n", "event: e\n", Text("Wah gwaan 🦜 "), Text("<b>Zoë</b> <thin"), Text("k>"), Text("a\nb\"c\\"), Delta("\"reasoning\":\"hm 🦜\""),
            Text("<function_calls>[{\"name\":\"f\",\"arg"), Text("uments\":{\"q\":1}}]</function_calls> never seen"),
            Delta("\"content\":\"\\ud83e\""), Delta("\"content\":\"\\udd9c\""), Text("z").Replace("\n", "\r\n", StringComparison.Ordinal), Text("y").Replace("\n", "\r", StringComparison.Ordinal),
            Delta("""  "tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\"a\":"}}]"""), Delta("""  "tool_calls":[{"index":0,"function":{"arguments":"1}"}}]"""),
            Finish("stop"), Finish("tool_calls"), Usage(), Done, "data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"split\"}}]}\n\n", "data: {\"choices\":[{\"delta\":\r\ndata: {\"content\":\"split\"}}]}\r\n\r\n", "data: {broken\n\n", "data: {\"error\":{\"code\":500}}\n\n");
        var answers = Gen.Select(piece.Array[0, 12], Gen.Bool).Select((pieces, ended) => string.Concat(pieces) + (ended ? Finish("stop") + Usage() + Done : ""));

        await Gen.Select(answers, Gen.Int[1, 9].Array[0, 400]).SampleAsync(
            async (sse, cuts) =>
            {
                var bytes = Encoding.UTF8.GetBytes(sse);
                var whole = await ReadAsync(bytes, []);

                Assert.Equal(whole, await ReadAsync(bytes, cuts));
                Assert.Equal(whole, await ReadAsync(bytes, [.. Enumerable.Repeat(1, bytes.Length)]));
            },
            iter: 2_000);
    }
}
