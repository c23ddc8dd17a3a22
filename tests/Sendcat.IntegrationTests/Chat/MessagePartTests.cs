using Sendcat.ApiService.Chat.Record;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>The text of a running turn: the journal adds it in parts, and the end of the message replaces them by the whole text.</summary>
public sealed class MessagePartTests(SharedStores stores) : JournalTest(stores)
{
    /// <summary>Number, content and reasoning of all parts.</summary>
    private const string Parts =
        "select string_agg(number || content || ' ' || coalesce(reasoning_content, ''), '|' order by number) from message_parts";

    [Fact]
    public async Task Checkpoints_add_parts_and_the_end_of_the_message_writes_the_whole_text_and_removes_them()
    {
        await Journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync();
        record.AppendText("The first of three: one");
        await WriteAsync(record);
        record.AppendText(" two");
        record.AppendReasoning("why");
        await WriteAsync(record);
        record.AppendText(" three");
        await WriteAsync(record);

        Assert.Equal("The first of three: one", await ScalarAsync("select content from messages"));
        Assert.Equal("0 two why|1 three ", await ScalarAsync(Parts));
        record.End(MessageStatus.Completed, Now);
        await WriteAsync(record);
        Assert.Equal(
            "The first of three: one two three|why", await ScalarAsync("select content || '|' || reasoning_content from messages"));
        Assert.Null(await ScalarAsync(Parts));
    }

    [Fact]
    public async Task A_checkpoint_of_a_text_that_has_doubled_writes_the_row()
    {
        await Journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync();
        await WriteAsync(record);
        record.AppendText("one");
        await WriteAsync(record);
        record.AppendText(" two");
        await WriteAsync(record);

        Assert.Equal("one two", await ScalarAsync("select content from messages"));
        Assert.Null(await ScalarAsync(Parts));
        record.AppendText(" three");
        await WriteAsync(record);
        Assert.Equal("0 three ", await ScalarAsync(Parts));
        record.AppendText(" four and everything that doubles the text");
        await WriteAsync(record);
        Assert.Equal("one two", await ScalarAsync("select content from messages"));
    }

    [Theory]
    [InlineData("aborted")]
    [InlineData("error")]
    public async Task A_message_that_another_statement_closes_keeps_its_parts_and_they_count_in_the_quotas(string status)
    {
        await Journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync();
        await WriteAsync(record);
        record.AppendText("one");
        record.AppendReasoning("why");
        await WriteAsync(record);
        record.AppendText(" two");
        await WriteAsync(record);

        await ExecuteAsync($"update messages set status = '{status}'");

        Assert.Equal(
            $"one two|why|{status}", await ScalarAsync("select content || '|' || reasoning_content || '|' || status from messages"));
        Assert.Equal("10", await ScalarAsync("select bytes::text from threads"));
        Assert.Null(await ScalarAsync(Parts));
    }

    [Fact]
    public async Task A_message_that_was_closed_elsewhere_gets_no_further_part()
    {
        var record = await RecordAsync();
        await CommitAsync(record);
        await ExecuteAsync("update stream_sessions set status = 'aborted'; update messages set status = 'aborted'");
        record.AppendText("late");

        var changes = record.Changes();
        var closed = await TurnJournalCommit.WriteAsync(Database, OwnId.Value, [changes], Now);

        Assert.Equal([KeyValuePair.Create(record, (string?)"aborted")], closed);
        Assert.Null(await ScalarAsync(Parts));
        record.MarkWritten(changes);
        record.End(MessageStatus.Aborted, Now);
        await CommitAsync(record);
        Assert.Equal("late|aborted", await ScalarAsync("select content || '|' || status from messages"));
    }

    [Fact]
    public async Task A_part_whose_commit_has_an_unknown_outcome_is_written_again_with_the_text_since()
    {
        var record = await RecordAsync();
        record.AppendText("A longer beginning. ");
        await CommitAsync(record);
        record.AppendText("one");
        await CommitAsync(record.Changes());
        record.AppendText(" two");
        await CommitAsync(record);
        record.AppendText(" three");
        await CommitAsync(record);

        Assert.Equal("0one two|1 three", (await ScalarAsync(Parts))!.Replace(" |", "|", StringComparison.Ordinal).TrimEnd());
    }
}
