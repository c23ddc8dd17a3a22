using System.Text;
using CsCheck;
using static Sendcat.UnitTests.Providers.ProviderResponses;

namespace Sendcat.UnitTests.Providers;

public class OpenRouterReaderTests
{
    [Fact]
    public async Task Text_model_finish_reason_and_trailing_usage_are_read()
    {
        var response = await ReadAsync(
            ": OPENROUTER PROCESSING\n\n"
                + Text("Good ") + ": OPENROUTER PROCESSING\n\n" + Text("morning, Zoë 🦜") + Finish("stop") + Usage() + Done);

        Assert.Equal("Good morning, Zoë 🦜", response.Text);
        Assert.Equal("stop", response.Finish);
        Assert.Equal("m/one", response.Model);
        Assert.Equal(new(11, 7, 18, 4, 3, 0.0025m), response.Usage);
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public async Task Lines_may_end_with_lf_crlf_or_cr(string end)
    {
        var response = await ReadAsync((Text("a") + Text("b") + Finish("stop") + Done).Replace("\n", end, StringComparison.Ordinal));

        Assert.Equal(("ab", "stop"), (response.Text, response.Finish));
    }

    [Theory]
    [InlineData("data:{0}\n\n")]
    [InlineData("event: message\nid: 7\nretry: 10\ndata: {0}\n\n")]
    [InlineData("data: {0}\n")]
    [InlineData("data\ndata:\ndata: {0}\n\n")]
    [InlineData("\uFEFFdata: {0}\n\n")]
    public async Task Loose_sse_framing_is_accepted(string frame)
    {
        var chunk = """{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}""";

        var response = await ReadAsync(frame.Replace("{0}", chunk, StringComparison.Ordinal));

        Assert.Equal(("x", "stop"), (response.Text, response.Finish));
    }

    [Fact]
    public async Task Overlong_ids_and_models_are_ignored_and_overlong_names_are_cut()
    {
        var (id, name, model) = (new string('i', 5_000), new string('n', 5_000), new string('m', 5_000));

        var response = await ReadAsync(
            Data($$$"""{"model":"{{{model}}}","choices":[{"delta":{"tool_calls":[{"index":0,"id":"{{{id}}}","function":{"name":"{{{name}}}","arguments":"{}"}}]}}]}""") + Finish("tool_calls") + Done);

        Assert.Equal($"made-up:{name[..256]}:{{}}", response.Calls);
        Assert.Equal("m/one", response.Model);
    }

    [Fact]
    public async Task Arguments_of_all_calls_share_one_length_limit()
    {
        var chunk = new string('x', 60_000);

        var response = await ReadAsync(string.Concat(Enumerable.Range(0, 10).Select(n => Data($$$"""{"choices":[{"delta":{"tool_calls":[{"index":{{{n}}},"id":"c{{{n}}}","function":{"name":"t","arguments":"{{{chunk}}}"}}]}}]}"""))));

        Assert.NotNull(response.Error);
        Assert.InRange(response.Arguments.Length, 1, 400_000);
    }

    [Fact]
    public async Task A_payload_may_span_several_data_lines()
    {
        var response = await ReadAsync(
            "data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"x\"},\ndata: \"finish_reason\":\"stop\"}]}\n\n" + Done);

        Assert.Equal(("x", "stop"), (response.Text, response.Finish));
    }

    [Fact]
    public async Task The_last_line_needs_no_line_end()
    {
        var response = await ReadAsync(Text("x") + """data: {"choices":[{"delta":{},"finish_reason":"stop"}]}""");

        Assert.Equal(("x", "stop"), (response.Text, response.Finish));
    }

    [Theory]
    [InlineData("")]
    [InlineData(": OPENROUTER PROCESSING\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"con")]
    [InlineData("<html>Bad gateway</html>")]
    [InlineData("data: [DONE]\n\n")]
    public async Task An_end_without_a_finish_reason_is_a_failure(string end)
    {
        var response = await ReadAsync(Text("half an ans") + end);

        Assert.Equal(("half an ans", "upstream_error", null), (response.Text, response.Error, response.Finish));
    }

    [Theory]
    [InlineData("data: {nonsense}\n\n")]
    [InlineData("data: {\"choices\":[}\n\n")]
    [InlineData("data: oops\n\n")]
    [InlineData("data: {}{}\n\n")]
    public async Task Invalid_json_is_a_failure_and_the_text_before_it_is_delivered(string line)
    {
        var response = await ReadAsync(Text("kept") + line + Text("lost") + Finish("stop") + Done);

        Assert.Equal(("kept", "upstream_error"), (response.Text, response.Error));
    }

    [Fact]
    public async Task A_line_over_one_mebibyte_is_a_failure()
    {
        var response = await ReadAsync(Text("kept") + Text(new string('x', 1024 * 1024)) + Finish("stop") + Done);

        Assert.Equal(("kept", "upstream_error"), (response.Text, response.Error));
    }

    [Fact]
    public async Task A_line_just_under_one_mebibyte_is_read()
    {
        var response = await ReadAsync(Text(new string('x', 1024 * 1023)) + Finish("stop") + Done);

        Assert.Equal((1024 * 1023, "stop"), (response.Text.Length, response.Finish));
    }

    [Theory]
    [InlineData("{\"code\":429,\"message\":\"secret words\"}", "upstream_rate_limited")]
    [InlineData("{\"code\":\"502\",\"message\":\"secret words\"}", "upstream_unavailable")]
    [InlineData("{\"code\":\"server_error\",\"message\":\"secret words\"}", "upstream_error")]
    [InlineData("{\"code\":402}", "upstream_quota_exceeded")]
    [InlineData("{\"code\":\"rate_limit_exceeded\"}", "upstream_rate_limited")]
    [InlineData("{\"message\":\"x\",\"metadata\":{\"error_type\":\"provider_overloaded\"}}", "upstream_unavailable")]
    [InlineData("\"just words\"", "upstream_error")]
    public async Task An_error_inside_the_stream_overrides_the_finish_reason_and_its_usage_is_read(string error, string code)
    {
        var response = await ReadAsync(
            Text("partial") + Finish("length") + Data($$"""{"error":{{error}},"choices":[{"delta":{"content":""},"finish_reason":null}],"usage":{"prompt_tokens":5,"completion_tokens":2} }""") + Done);

        Assert.Equal(("partial", code, null), (response.Text, response.Error, response.Finish));
        Assert.Equal(7, response.Usage!.TotalTokens);
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
    public async Task Other_finish_reasons_are_passed_on(string reason) =>
        Assert.Equal(reason, (await ReadAsync(Text("x") + Finish(reason) + Done)).Finish);

    [Fact]
    public async Task Usage_may_come_with_the_finish_reason_or_on_a_chunk_of_its_own_or_not_at_all()
    {
        const string Choices = """[{"delta":{"content":"x"},"finish_reason":"stop"}]""";

        Assert.Equal(18, (await ReadAsync(Usage(Choices) + Done)).Usage!.TotalTokens);
        Assert.Equal(18, (await ReadAsync(Data($$"""{"choices":{{Choices}},"usage":null}""") + Usage() + Done)).Usage!.TotalTokens);
        Assert.Null((await ReadAsync(Data($$"""{"choices":{{Choices}} }""") + Done)).Usage);
    }

    [Fact]
    public async Task Members_of_unexpected_types_are_ignored()
    {
        var response = await ReadAsync(
            Data("null") + Data("7") + Data("""{"choices":{"a":[1]},"usage":"none","model":5,"id":null,"error":null}""") + Delta("\"content\":null") + Delta("\"content\":{\"a\":[]},\"tool_calls\":null,\"reasoning\":5,\"reasoning_details\":{}")
            + Data(
                """{"choices":[null,{"delta":null,"finish_reason":7}]}""")
                    + Delta("\"tool_calls\":[null,5]") + Text("ok") + Finish("stop") + Done);

        Assert.Equal(("ok", "stop", ""), (response.Text, response.Finish, response.Calls));
    }

    [Theory]
    [InlineData("\"reasoning\":\"hm\"")]
    [InlineData("\"reasoning_content\":\"hm\"")]
    [InlineData("\"reasoning\":\"hm\",\"reasoning_content\":\"hm\"")]
    [InlineData("\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"hm\",\"index\":0}]")]
    [InlineData(
        "\"content\":\"\",\"reasoning\":\"hm\",\"reasoning_details\":[{\"type\":\"reasoning.summary\",\"summary\":\"hm\",\"index\":0}]")]
    public async Task Reasoning_is_read_once_from_any_of_its_member_names(string members)
    {
        var response = await ReadAsync(Delta(members) + Text("x") + Finish("stop") + Done);

        Assert.Equal(("hm", "x"), (response.Reasoning, response.Text));
    }

    [Fact]
    public async Task Reasoning_details_are_merged_for_replay()
    {
        var response = await ReadAsync(
            Delta("""  "reasoning_details":[{"type":"reasoning.text","text":"We ","format":"f1","index":0}]""")
            + Delta("""  "reasoning_details":[{"type":"reasoning.text","text":"look.","format":"f1","index":0}]""")
            + Delta("""  "reasoning_details":[{"type":"reasoning.text","signature":"c2ln","index":0}]""")
            + Delta("""  "reasoning_details":[{"type":"reasoning.encrypted","data":"AAA","id":"rs_1","index":1},{"type":"reasoning.encrypted","data":"BBB","id":"rs_2","index":2}]""")
            + Text("x") + Finish("stop") + Done);

        Assert.Equal("We look.", response.Reasoning);
        Assert.Equal(
            """[{"type":"reasoning.text","format":"f1","index":0,"signature":"c2ln","text":"We look."},{"type":"reasoning.encrypted","data":"AAA","id":"rs_1","index":1},{"type":"reasoning.encrypted","data":"BBB","id":"rs_2","index":2}]""",
            response.Details);
    }

    [Fact]
    public async Task Split_surrogate_pairs_are_joined_and_lone_surrogates_are_replaced()
    {
        var cut = await ReadAsync(Delta("\"content\":\"a\\ud83e\"") + Delta("\"content\":\"\\udd9cb\"") + Finish("stop") + Done);
        var lone = await ReadAsync(
            Delta("\"content\":\"a\\udd9cb\\ud83ec\"") + Delta("\"content\":\"\\ud83e\"") + Text("d") + Finish("stop") + Done);

        Assert.Equal("a🦜b", cut.Text);
        Assert.Equal("a\uFFFDb\uFFFDc\uFFFDd", lone.Text);
    }

    [Fact]
    public async Task Invalid_utf8_bytes_become_replacement_characters()
    {
        byte[] sse = [.. "data: {\"choices\":[{\"delta\":{\"content\":\"a"u8, 0xFF, .. "b\"},\"finish_reason\":\"stop\"}]}\n\n"u8];

        Assert.Equal("a\uFFFDb", (await ReadAsync(sse, [])).Text);
    }

    [Fact]
    public async Task Tool_calls_are_assembled_by_index_and_completed_in_index_order()
    {
        var response = await ReadAsync(
            Delta("""  "content":null,"tool_calls":[{"index":3,"id":"call_b","type":"function","function":{"name":"search_web","arguments":""}}]""")
            + Delta("""  "tool_calls":[{"index":1,"id":"call_a","function":{"name":"get_current_time"}},{"index":3,"function":{"arguments":"{\"query\":"}}]""")
            + Delta("""  "tool_calls":[{"index":3,"id":"","function":{"name":"","arguments":"\"kettle\"}"}}]""")
            + Finish("tool_calls") + Done);

        Assert.Equal("call_b:search_web call_a:get_current_time", response.Started);
        Assert.Equal("call_b:{\"query\":\"kettle\"}", response.Arguments);
        Assert.Equal("call_a:get_current_time:{} call_b:search_web:{\"query\":\"kettle\"}", response.Calls);
        Assert.Equal("tool_calls", response.Finish);
    }

    [Fact]
    public async Task Lone_surrogates_in_ids_and_names_are_replaced_and_nul_is_removed()
    {
        var response = await ReadAsync(
            Delta(
                """  "tool_calls":[{"index":0,"id":"\ude00call\u0000_1\ud83d","function":{"name":"f\ud83d","arguments":"{}"}}]""")
                    + Finish("tool_calls") + Done);

        Assert.Equal("\ufffdcall_1\ufffd:f\ufffd:{}", response.Calls);
    }

    [Fact]
    public async Task A_call_is_held_back_until_its_id_and_name_are_known()
    {
        var response = await ReadAsync(
            Delta("""  "tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]""") + Delta(
                """  "tool_calls":[{"index":0,"function":{"name":"f","arguments":":"}}]""")
            + Delta("""  "tool_calls":[{"index":0,"id":"late","function":{"arguments":"1}"}}]""") + Finish("tool_calls") + Done);

        Assert.Equal(("late:f", "late:{\"a\":1}", "late:f:{\"a\":1}"), (response.Started, response.Arguments, response.Calls));
    }

    [Fact]
    public async Task Missing_ids_are_generated_and_missing_indexes_continue_the_previous_call()
    {
        var response = await ReadAsync(
            Delta(
                """  "tool_calls":[{"id":"one","function":{"name":"f","arguments":"{"}}]""")
                    + Delta("""  "tool_calls":[{"function":{"arguments":"}"}}]""")
            + Delta(
                """  "tool_calls":[{"id":"two","function":{"name":"g","arguments":{"x":[1]}}}]""")
                    + Delta("""  "tool_calls":[{"index":9,"function":{"name":"h","arguments":"{}"}}]""")
            + Finish("tool_calls") + Done);

        Assert.Equal("one:f:{} two:g:{\"x\":[1]} made-up:h:{}", response.Calls);
    }

    [Fact]
    public async Task Two_calls_with_the_same_index_or_id_stay_separate()
    {
        var oneIndex = await ReadAsync(
            Delta("""  "tool_calls":[{"index":0,"id":"one","function":{"name":"f","arguments":"{}"}},{"index":0,"id":"two","function":{"name":"g","arguments":"{}"}}]""") + Finish("tool_calls") + Done);
        var oneId = await ReadAsync(
            Delta("""  "tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"x","function":{"name":"g","arguments":"{}"}}]""") + Finish("tool_calls") + Done);

        Assert.Equal("one:f:{} two:g:{}", oneIndex.Calls);
        Assert.Equal("x:f:{} made-up:g:{}", oneId.Calls);
    }

    [Fact]
    public async Task A_tool_calls_finish_without_a_complete_call_is_a_failure()
    {
        Assert.Equal("upstream_error", (await ReadAsync(Text("x") + Finish("tool_calls") + Done)).Error);
        Assert.Equal(
            "upstream_error",
            (await ReadAsync(
                Delta("""  "tool_calls":[{"index":0,"id":"x","function":{"arguments":"{}"}}]""") + Finish("tool_calls") + Done)).Error);
    }

    [Fact]
    public async Task Arguments_over_the_length_limit_are_a_failure()
    {
        var fragment = Delta(
            $$$"""  "tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{{{new string('1', 100_000)}}}"}}]""");

        Assert.Equal("upstream_error", (await ReadAsync(fragment + fragment + fragment + Finish("tool_calls") + Done)).Error);
    }

    [Fact]
    public async Task The_parse_result_does_not_depend_on_network_read_boundaries()
    {
        var piece = Gen.OneOf(
            ": OPENROUTER PROCESSING\n\n", ": x\r\n\r\n", "\n", "event: e\n", Text("Wah gwaan 🦜 "), Text("<b>Zoë</b> <thin"), Text("k>"),
            Text("a\nb\"c\\"), Delta("\"reasoning\":\"hm 🦜\""),
            Text("<function_calls>[{\"name\":\"f\",\"arg"), Text("uments\":{\"q\":1}}]</function_calls> never seen"),
            Delta("\"content\":\"\\ud83e\""), Delta("\"content\":\"\\udd9c\""), Text("z").Replace("\n", "\r\n", StringComparison.Ordinal),
            Text("y").Replace("\n", "\r", StringComparison.Ordinal),
            Delta("""  "tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\"a\":"}}]"""),
            Delta("""  "tool_calls":[{"index":0,"function":{"arguments":"1}"}}]"""),
            Finish("stop"), Finish("tool_calls"), Usage(), Done, "data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"split\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":\r\ndata: {\"content\":\"split\"}}]}\r\n\r\n", "data: {broken\n\n",
            "data: {\"error\":{\"code\":500}}\n\n");
        var streams = Gen.Select(piece.Array[0, 12], Gen.Bool)
            .Select((pieces, ended) => string.Concat(pieces) + (ended ? Finish("stop") + Usage() + Done : ""));

        await Gen.Select(streams, Gen.Int[1, 9].Array[0, 400]).SampleAsync(
            async (sse, cuts) =>
            {
                var bytes = Encoding.UTF8.GetBytes(sse);
                var expected = await ReadAsync(bytes, []);

                Assert.Equal(expected, await ReadAsync(bytes, cuts));
                Assert.Equal(expected, await ReadAsync(bytes, [.. Enumerable.Repeat(1, bytes.Length)]));
            },
            iter: 2_000);
    }
}
