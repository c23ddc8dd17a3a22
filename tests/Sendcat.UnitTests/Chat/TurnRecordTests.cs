using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Providers;

namespace Sendcat.UnitTests.Chat;

public sealed class TurnRecordTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(MessageStatus.Aborted)]
    [InlineData(MessageStatus.Error)]
    public void A_turn_that_ends_between_a_call_and_its_result_leaves_a_result_for_every_call(string ending)
    {
        var record = Record();
        record.AddToolCalls([new ProviderToolCall("call_1", "search_web", "{}"), new ProviderToolCall("call_2", "search_products", "{}")]);
        record.AddToolResult("call_1", "search_web", "found", Now);

        record.End(ending, Now);

        var messages = record.Changes().Messages;
        Assert.Equal(["assistant", "tool", "tool"], messages.Select(message => message.Role));
        Assert.Equal(["call_1", "call_2"], messages.Skip(1).Select(message => message.ToolCallId));
        Assert.Equal("found", messages[1].Content);
        Assert.Contains("interrupted", messages[2].Content, StringComparison.Ordinal);
        Assert.Equal(ending, messages[0].Status);
    }

    [Theory]
    [InlineData(MessageStatus.Aborted)]
    [InlineData(MessageStatus.Error)]
    public void Calls_that_the_model_was_writing_when_the_turn_was_cut_are_stored_as_interrupted(string ending)
    {
        var record = Record();
        record.AppendText("Let me look.");
        record.BeginToolCall("call_1", "search_web");
        record.AppendArguments("call_1", """{"query":"ket""");
        record.AppendArguments("call_1", "t");
        record.BeginToolCall("call_2", "get_current_time");

        record.End(ending, Now);

        var messages = record.Changes().Messages;
        Assert.Equal(["assistant", "tool", "tool"], messages.Select(message => message.Role));
        Assert.Equal((ending, "Let me look."), (messages[0].Status, messages[0].Content));
        Assert.Equal(
            [("call_1", """{"query":"kett"""), ("call_2", "")],
            ToolCallsJson.Read(messages[0].ToolCallsJson).Select(call => (call.Id, call.ArgumentsJson)));
        Assert.Equal(
            [("call_1", MessageStatus.Aborted), ("call_2", MessageStatus.Aborted)],
            messages.Skip(1).Select(message => (message.ToolCallId!, message.Status)));
    }

    [Fact]
    public void Calls_that_were_executed_or_that_the_limit_of_the_answer_cut_are_not_stored_as_interrupted()
    {
        var record = Record();
        record.BeginToolCall("call_1", "search_web");
        record.AddToolCalls([new ProviderToolCall("call_1", "search_web", "{}")]);
        record.AddToolResult("call_1", "search_web", "found", Now);
        record.NextMessage(Guid.NewGuid(), Now);
        record.BeginToolCall("call_2", "search_web");

        record.End(MessageStatus.Completed, Now);

        Assert.Equal(["assistant", "tool", "assistant"], record.Changes().Messages.Select(message => message.Role));
        Assert.Null(record.Changes().Messages[2].ToolCallsJson);
    }

    [Fact]
    public void Every_step_has_a_message_of_its_own()
    {
        var record = Record();
        record.AppendText("thinking aloud");
        record.AddToolCalls([new ProviderToolCall("call_1", "search_web", "{}")]);
        record.AddToolResult("call_1", "search_web", "found", Now);
        record.NextMessage(Guid.NewGuid(), Now);
        record.AppendText("the answer");
        record.End(MessageStatus.Completed, Now);

        var messages = record.Changes().Messages;
        Assert.Equal(
            [("assistant", ""), ("tool", "found"), ("assistant", "the answer")],
            messages.Select(message => (message.Role, message.Content)));
        Assert.NotNull(messages[0].ToolCallsJson);
        Assert.Null(messages[2].ToolCallsJson);
    }

    [Fact]
    public void Messages_and_tool_results_carry_the_model_that_answered_instead_of_the_requested_one()
    {
        var record = new TurnRecord(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), "user:a", "asked/for", Now);
        record.SetModel("the/first");
        record.AddToolCalls([new ProviderToolCall("call_1", "search_web", "{}")]);
        record.AddToolResult("call_1", "search_web", "found", Now);
        record.NextMessage(Guid.NewGuid(), Now);
        record.SetModel("the/second");
        record.End(MessageStatus.Completed, Now);

        Assert.Equal(["the/first", "the/first", "the/second"], record.Changes().Messages.Select(message => message.ModelId));
    }

    [Fact]
    public void An_ended_turn_touches_its_thread_until_the_end_is_written()
    {
        var record = Record();
        record.MarkWritten(record.Changes());
        record.End(MessageStatus.Completed, Now);
        var end = record.Changes();

        record.MarkWritten(end);

        Assert.True(end.Touches);
        Assert.False(record.Changes().Touches);
    }

    [Fact]
    public void Neither_a_row_nor_a_part_ends_within_a_surrogate_pair()
    {
        var record = Record();
        record.MarkWritten(record.Changes());
        record.AppendText("A long text\ud83d");
        var row = record.Changes();
        record.MarkWritten(row);
        record.AppendText("\ude00a\ud83d");
        var part = record.Changes();
        record.MarkWritten(part);
        record.AppendText("\ude00b");

        Assert.Equal("A long text", row.Messages.Single(message => message.Role == "assistant").Content);
        Assert.Equal(["\ud83d\ude00a", "\ud83d\ude00b"], part.Parts.Concat(record.Changes().Parts).Select(piece => piece.Content));
    }

    [Fact]
    public void Growing_text_leaves_the_session_and_the_row_of_the_message_unwritten()
    {
        var record = Record();
        record.AppendText("A beginning that has not doubled. ");
        record.MarkWritten(record.Changes());
        record.AppendText("grown");

        var changes = record.Changes();

        Assert.Empty(changes.Messages);
        Assert.False(changes.Session.HasChanged);
        Assert.Equal((0, "grown", null), changes.Parts.Select(part => (part.Number, part.Content, part.Reasoning)).Single());
    }

    [Fact]
    public void The_first_ending_wins()
    {
        var record = Record();
        record.AppendText("partial");
        record.End(MessageStatus.Aborted, Now);
        record.End(MessageStatus.Error, Now);

        Assert.Equal((MessageStatus.Aborted, "partial"), (record.Changes().Messages[0].Status, record.Changes().Messages[0].Content));
    }

    private static TurnRecord Record() => new(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), "user:a", null, Now);
}
