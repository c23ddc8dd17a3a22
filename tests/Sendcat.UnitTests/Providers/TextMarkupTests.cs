using CsCheck;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Markup;

namespace Sendcat.UnitTests.Providers;

public class TextMarkupTests
{
    [Theory]
    [InlineData("plain words, 3 < 4 and [1] and <b>bold</b>")]
    [InlineData("a list [search_web")]
    [InlineData("[search_web: a line that\nnever ends]")]
    [InlineData("<function_call> is not it")]
    [InlineData("<")]
    [InlineData("[[SEARCH no colon]]")]
    public void Text_without_markup_is_unchanged(string text)
    {
        var read = Read([text]);

        Assert.Equal((text, ""), (read.Text, read.Calls));
    }

    [Theory]
    [InlineData("Let me look. [[SEARCH: kettle 110V]] never seen", """search_web:{"query":"kettle 110V"}""")]
    [InlineData("Let me look. [search_web: \"kettle [steel]\"] never", """search_web:{"query":"kettle [steel]"}""")]
    [InlineData("Let me look. [search_web: kettle]", """search_web:{"query":"kettle"}""")]
    [InlineData("Let me look. [SEARCH_PRODUCTS: 'shoes']", """search_products:{"query":"shoes"}""")]
    [InlineData("Let me look. [search_products: \\\"shoes\\\"]", """search_products:{"query":"shoes"}""")]
    [InlineData(
        "Let me look. <function_calls>[{\"name\":\"search_products\",\"arguments\":{\"query\":\"x\",\"limit\":3}}]</function_calls>",
        """search_products:{"query":"x","limit":3}""")]
    [InlineData("Let me look. <function_calls>\n```json\n{\"tool\":\"get_current_time\"}\n```\n</function_calls>", "get_current_time:{}")]
    [InlineData("Let me look. <function_calls>{\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}</function_calls>", """f:{"a":1}""")]
    [InlineData("Let me look. <function_calls>{\"\\ud800\":0,\"name\":\"f\",\"arguments\":{\"a\":1}}</function_calls>", """f:{"a":1}""")]
    [InlineData("Let me look. <function_calls>[{\"name\":\"f\",\"arguments\":{\"a\":1}}]", """f:{"a":1}""")]
    [InlineData("Let me look. <minimax:tool_call><invoke name=\"search_web\"><parameter name=\"query\">Zoë &amp; co</parameter></invoke></minimax:tool_call> never", """search_web:{"query":"Zoë & co"}""")]
    [InlineData("Let me look. <minimax:tool_call>\n<invoke name=\\\"f\\\">\n<parameter name=\\\"year\\\">2024</parameter><parameter name=\\\"list\\\">[1,2]</parameter>\n</invoke>\n</minimax:tool_call>", """f:{"year":"2024","list":[1,2]}""")]
    [InlineData("Let me look. <minimax:tool_call><invoke name=a></invoke><invoke name='b'></invoke></minimax:tool_call>", "a:{} b:{}")]
    public void A_tool_call_in_the_text_is_parsed_and_its_markup_is_hidden(string text, string calls)
    {
        var read = Read([text]);

        Assert.Equal(("Let me look. ", calls), (read.Text, read.Calls));
    }

    [Theory]
    [InlineData("a[[SEARCH: x]]b", "ab")]
    [InlineData("a[search_web: \"x\"]b", "ab")]
    [InlineData("a<function_calls>[{\"name\":\"search_web\",\"arguments\":{\"query\":\"x\"}}]</function_calls>b", "ab")]
    public void Without_web_search_its_markup_is_removed_and_no_call_is_made(string text, string shown)
    {
        var read = Read([text], webSearch: false);

        Assert.Equal((shown, ""), (read.Text, read.Calls));
    }

    [Fact]
    public void Without_tools_call_markup_is_removed_and_no_call_is_made() =>
        Assert.Equal(
            ("ab", ""),
            (Read(["a[search_products: x]b"], toolsAllowed: false).Text, Read(["a[search_products: x]b"], toolsAllowed: false).Calls));

    [Fact]
    public void Bracket_markup_of_a_model_with_native_tools_is_plain_text()
    {
        var read = Read(["[search_web: x] <function_calls>[{\"name\":\"f\"}]</function_calls>"], syntax: MarkupSyntax.Native);

        Assert.Equal(("[search_web: x] ", "f:{}"), (read.Text, read.Calls));
    }

    [Theory]
    [InlineData("<think>hm < 3</think>So: yes", "hm < 3", "So: yes")]
    [InlineData("a<think>b [[SEARCH: c]]", "b [[SEARCH: c]]", "a")]
    [InlineData("hm</think>So", "", "hmSo")]
    public void Think_blocks_in_the_text_are_reasoning(string text, string reasoning, string shown)
    {
        var read = Read([text]);

        Assert.Equal((reasoning, shown, ""), (read.Reasoning, read.Text, read.Calls));
    }

    [Fact]
    public void Unparseable_markup_is_removed()
    {
        Assert.Equal(
            ("ab", ""),
            (Read(["a<function_calls>call me</function_calls>b"]).Text, Read(["a<function_calls>call me</function_calls>b"]).Calls));
        Assert.Equal(("a", ""), (Read(["a<minimax:tool_call><invoke nam"]).Text, Read(["a<minimax:tool_call><invoke nam"]).Calls));
        Assert.Equal("a", Read(["a[[SEARCH: never closed"]).Text);
        Assert.Equal("ab", Read(["a<function_calls>" + new string('x', 100_000) + "</function_calls>b"]).Text);
    }

    [Fact]
    public void Text_of_an_open_block_is_held_back()
    {
        var markup = new TextMarkup(MarkupSyntax.Fallback, true, true, TimeProvider.System);
        var events = new List<ProviderEvent>();

        markup.Push("a <function_calls>[{\"name\"", events);
        markup.Push(":\"f\"}]</function_calls", events);

        Assert.Equal([new ProviderEvent.Text("a ")], events);
    }

    [Fact]
    public void A_plain_text_delta_is_passed_on_without_a_copy()
    {
        var markup = new TextMarkup(MarkupSyntax.Fallback, true, true, TimeProvider.System);
        var events = new List<ProviderEvent>();
        var delta = new string("just words");

        markup.Push(delta, events);

        Assert.Same(delta, Assert.IsType<ProviderEvent.Text>(Assert.Single(events)).Delta);
    }

    [Fact]
    public void The_parse_result_does_not_depend_on_delta_boundaries()
    {
        var piece = Gen.OneOf(
            Gen.OneOf(
                "<", "[", "[[", "[[SEARCH:", " x", "\"", "]", "]]", "\n", "<think>", "</think>", "<function_calls>", "[{\"name\":\"f\"}]",
                "</function_calls>", "<minimax:tool_call>",
                "<invoke name=\"g\">", "<parameter name=\"p\">", "</parameter>", "</invoke>", "</minimax:tool_call>", "[search_web:",
                "[search_products:", "<func", "\\\"", "word "),
            Gen.Char.AlphaNumeric.Select(c => c.ToString()));
        var texts = piece.Array[0, 14].Select(string.Concat);

        Gen.Select(texts, Gen.Int[1, 5].Array[0, 60], Gen.Bool, Gen.Bool).Sample(
            (text, cuts, native, webSearch) =>
            {
                var syntax = native ? MarkupSyntax.Native : MarkupSyntax.Fallback;
                var expected = Read([text], webSearch, true, syntax);

                Assert.Equal(expected, Read(Cut(text, cuts), webSearch, true, syntax));
                Assert.Equal(expected, Read([.. text.Select(c => c.ToString())], webSearch, true, syntax));
            },
            iter: 10_000);
    }

    private static List<string> Cut(string text, int[] cuts)
    {
        var pieces = new List<string>();
        foreach (var cut in cuts)
        {
            var length = Math.Min(cut, text.Length);
            pieces.Add(text[..length]);
            text = text[length..];
        }

        pieces.Add(text);
        return pieces;
    }

    private static (string Text, string Reasoning, string Calls) Read(
        IReadOnlyList<string> deltas, bool webSearch = true, bool toolsAllowed = true, MarkupSyntax? syntax = null)
    {
        var markup = new TextMarkup(syntax ?? MarkupSyntax.Fallback, webSearch, toolsAllowed, TimeProvider.System);
        var events = new List<ProviderEvent>();
        foreach (var delta in deltas)
        {
            markup.Push(delta, events);
        }

        markup.Complete(events);
        return (
            string.Concat(events.OfType<ProviderEvent.Text>().Select(e => e.Delta)),
            string.Concat(events.OfType<ProviderEvent.Reasoning>().Select(e => e.Delta)),
            string.Join(' ', events.OfType<ProviderEvent.ToolCallReady>().Select(e => $"{e.Call.Name}:{e.Call.ArgumentsJson}")));
    }
}
