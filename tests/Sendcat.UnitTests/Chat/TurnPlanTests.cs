using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Gate;
using Sendcat.ApiService.Chat.Record;

namespace Sendcat.UnitTests.Chat;

/// <summary>What a chat request starts or repeats, decided from the stored messages.</summary>
public sealed class TurnPlanTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid ThreadId = Guid.CreateVersion7();
    private static readonly HistoryMessage First = User("m1", "one");
    private static readonly HistoryMessage FirstAnswer = Assistant("1");
    private static readonly HistoryMessage Second = User("m2", "two");

    [Fact]
    public void A_new_message_is_appended_and_answered()
    {
        var start = Start(Submit("m2", "two"), First, FirstAnswer);

        Assert.Equal((MessageWrite.Insert, false, 2), (start.Write, start.ReplacesAnswer, start.NewMessages));
        Assert.Equal(["one", "1", "two"], start.History.Select(message => message.Content));
        Assert.Equal(TurnPlan.MessageId(ThreadId, "m2"), start.Asked);
    }

    [Fact]
    public void A_stored_message_without_an_answer_is_answered()
    {
        foreach (var request in new[] { Submit("m2", "two"), new ChatRequest { ThreadId = "x" } })
        {
            var start = Start(request, First, FirstAnswer, Second);

            Assert.Equal((MessageWrite.None, false, Second.Id), (start.Write, start.ReplacesAnswer, start.Asked));
        }
    }

    [Fact]
    public void A_complete_answer_is_replayed_and_a_cut_one_replaced()
    {
        foreach (var request in new[] { Submit("m1", "one"), new ChatRequest { ThreadId = "x" } })
        {
            Assert.Equal(new TurnPlan.Replay(First.Id), Plan(request, null, First, FirstAnswer));
            foreach (var cut in new[] { Assistant("1", MessageStatus.Aborted), Assistant("", MessageStatus.Error), Tool() })
            {
                var start = Start(request, First, cut);
                Assert.Equal((true, First.Id), (start.ReplacesAnswer, start.Asked));
                Assert.Equal([First], start.History);
            }
        }
    }

    [Fact]
    public void A_running_turn_is_joined_only_by_requests_for_its_own_message()
    {
        var running = new RunningTurn(Guid.NewGuid(), Guid.NewGuid(), Second.Id);

        Assert.Equal(new TurnPlan.Join(running), Plan(Submit("m2", "two"), running, First, FirstAnswer, Second));
        Assert.Equal(new TurnPlan.Join(running), Plan(new ChatRequest { ThreadId = "x" }, running, First, FirstAnswer, Second));
        Assert.Equal(new TurnPlan.Join(running), Plan(Submit("m2", "two"), running, First, FirstAnswer, Second, User("m3", "three")));
        Assert.IsType<TurnPlan.Start>(Plan(Submit("m3", "three"), running, First, FirstAnswer, Second));
        Assert.IsType<TurnPlan.Start>(Plan(Submit("m2", "other"), running, First, FirstAnswer, Second));
        Assert.IsType<TurnPlan.Start>(Plan(Regenerate(null), running, First, FirstAnswer, Second));
    }

    [Fact]
    public void A_message_whose_turn_runs_already_and_is_not_stored_yet_is_joined()
    {
        var running = new RunningTurn(Guid.NewGuid(), null, TurnPlan.MessageId(ThreadId, "m2"));

        Assert.Equal(new TurnPlan.Join(running), Plan(Submit("m2", "two"), running, First, FirstAnswer));
    }

    [Fact]
    public void A_message_that_stands_before_the_end_of_an_earlier_answer_is_moved_and_answered()
    {
        foreach (var request in new[] { Submit("m2", "two"), new ChatRequest { ThreadId = "x" } })
        {
            HistoryMessage[] stored = [First with { Seq = 1 }, Second with { Seq = 2 }, FirstAnswer with { Seq = 3, Answers = First.Id }];

            var start = Start(request, [.. ThreadHistory.ByAnswers(stored)]);

            Assert.Equal((MessageWrite.Move, false, Second.Id), (start.Write, start.ReplacesAnswer, start.Asked));
            Assert.Equal([First.Id, FirstAnswer.Id, Second.Id], start.History.Select(message => message.Id));
            stored[2] = stored[2] with { Answers = Second.Id };
            Assert.Equal(new TurnPlan.Replay(Second.Id), Plan(request, null, [.. ThreadHistory.ByAnswers(stored)]));
        }
    }

    [Fact]
    public void An_idempotency_key_with_another_message_changes_nothing()
    {
        var request = Submit("m1", "other") with { Message = new("m1", "other", []) { HasIdFromKey = true } };

        Assert.IsType<TurnPlan.KeyMismatch>(Plan(request, null, First, FirstAnswer));
    }

    [Fact]
    public void A_late_repetition_of_an_old_message_changes_nothing_and_an_edit_cuts_what_follows()
    {
        Assert.Equal(new TurnPlan.Replay(First.Id), Plan(Submit("m1", "one"), null, First, FirstAnswer, Second));
        foreach (var edit in new[]
        {
            Submit("m1", "one") with { EditedId = "m1" }, Submit("m1", "other"), Submit(First.Id.ToString(), "other"),
        })
        {
            var start = Start(edit, First, FirstAnswer, Second);

            Assert.Equal((MessageWrite.Edit, First.Id), (start.Write, start.Asked));
            Assert.Equal([edit.Message!.Text], start.History.Select(message => message.Content));
        }
    }

    [Fact]
    public void Other_files_are_an_edit()
    {
        var file = new UiFile("https://example.com/a.png", "image/png", "a.png");
        var stored = First with { AttachmentsJson = """[{"url": "https://example.com/a.png", "name": "a.png", "type": "image/png"}]""" };
        var same = Submit("m1", "one") with { Message = new("m1", "one", [file]) };
        var other = Submit("m1", "one") with { Message = new("m1", "one", [file with { Url = "https://example.com/b.png" }]) };

        Assert.IsType<TurnPlan.Replay>(Plan(same, null, stored, FirstAnswer));
        Assert.Equal(MessageWrite.Edit, Start(other, stored, FirstAnswer).Write);
        var uploaded = First with
        {
            AttachmentsJson = """[{"storageId":"0199b1a0-0000-7000-8000-000000000001","name":"a","type":"image/png","size":5}]""",
        };
        foreach (var (address, isSame) in new[]
        {
            ("data:image/png;base64,AAAAAAA=", true), ("data:image/png;base64,AAAAAAAA", false),
            ("/api/attachments/0199b1a0-0000-7000-8000-000000000001", true),
            ("/api/attachments/0199b1a0-0000-7000-8000-000000000002", false),
        })
        {
            var request = Submit("m1", "one") with { Message = new("m1", "one", [new UiFile(address, "image/png", "a.png")]) };
            Assert.Equal(isSame, Plan(request, null, uploaded, FirstAnswer) is TurnPlan.Replay);
        }
    }

    [Theory]
    [InlineData("AAAAAAAA", true)]
    [InlineData("AAAA\r\nAAAA\r\n", true)]
    [InlineData("BBBBBBBB", false)]
    [InlineData("AAAA", false)]
    [InlineData("AAA!AAAA", false)]
    public void A_file_in_the_message_is_the_same_if_its_content_is(string base64, bool isSame)
    {
        var file = new MessageAttachment(Guid.NewGuid().ToString(), "image/png", "a", 6, null)
        {
            Sha256 = MessageAttachment.HashOf(new byte[6]),
        };
        var stored = First with { AttachmentsJson = MessageAttachment.Write([file]) };
        var request = Submit("m1", "one") with
        {
            Message = new("m1", "one", [new UiFile($"data:image/png;base64,{base64}", "image/png", "b")]),
        };

        Assert.Equal(isSame, Plan(request, null, stored, FirstAnswer) is TurnPlan.Replay);
        Assert.Equal(
            isSame,
            Plan(request with { Message = request.Message! with { HasIdFromKey = true } }, null, stored, FirstAnswer) is TurnPlan.Replay);
    }

    [Fact]
    public void A_regeneration_answers_the_user_message_of_what_it_names()
    {
        var answer = Assistant("2");
        foreach (var (id, asked) in new (string?, HistoryMessage)[]
        {
            (null, Second), (FirstAnswer.Id.ToString(), First), ("m1", First), ("m2", Second), ("unknown", Second),
        })
        {
            var start = Start(Regenerate(id), First, FirstAnswer, Second, answer);

            Assert.Equal((true, asked.Id, asked), (start.ReplacesAnswer, start.Asked, start.History[^1]));
        }

        var unsent = Start(Regenerate(null) with { Message = new("m9", "nine", []), Regeneration = new(null, "m9") }, First, FirstAnswer);
        Assert.Equal((MessageWrite.Insert, false), (unsent.Write, unsent.ReplacesAnswer));
    }

    [Fact]
    public void Messages_of_an_answer_follow_the_message_that_it_answers()
    {
        HistoryMessage Step(HistoryMessage? asked) => Assistant("step") with { Answers = asked?.Id };
        var (outside, one, old, two, end) = (Step(User("m0", "zero")), Step(First), Step(null), Step(Second), Step(First));

        var ordered = ThreadHistory.ByAnswers([outside, First, one, old, Second, two, end]);

        Assert.Equal([outside, First, one, old, end, Second, two], ordered);
        Assert.Empty(ThreadHistory.ByAnswers([]));
    }

    [Fact]
    public void Stream_id_of_a_request_with_a_key_is_recognized_by_the_key()
    {
        var (one, other) = (StreamIds.New(Now, "key-1"), StreamIds.New(Now.AddDays(1), "key-1"));

        Assert.Equal((7, true), (one.Version, one.ToString() != other.ToString()));
        Assert.True(StreamIds.HasKey(one, "key-1") && StreamIds.HasKey(other, "key-1"));
        Assert.False(StreamIds.HasKey(one, "key-2") || StreamIds.HasKey(StreamIds.New(Now, null), "key-1"));
        Assert.True(string.CompareOrdinal(one.ToString(), other.ToString()) < 0);
    }

    [Theory]
    [InlineData(MessageStatus.Completed, true, false, true, typeof(TurnPlan.Replay))]
    [InlineData(MessageStatus.Completed, false, true, false, typeof(TurnPlan.AnswerReplaced))]
    [InlineData(MessageStatus.Completed, false, false, false, typeof(TurnPlan.Replay))]
    [InlineData(MessageStatus.Completed, false, false, true, typeof(TurnPlan.Replay))]
    [InlineData(MessageStatus.Aborted, false, true, false, typeof(TurnPlan.AnswerReplaced))]
    [InlineData(MessageStatus.Error, false, false, true, typeof(TurnPlan.AnswerReplaced))]
    [InlineData(MessageStatus.Error, true, false, false, typeof(TurnPlan.Start))]
    [InlineData(MessageStatus.Error, false, false, false, typeof(TurnPlan.Start))]
    public void A_regeneration_with_a_known_key_never_replaces_a_later_answer(
        string status, bool hasMessage, bool hasNewerAnswer, bool hasNewerRunning, Type expected)
    {
        var turn = new RunningTurn(StreamIds.New(Now, "key-1"), Guid.NewGuid(), First.Id);
        var thread = new ThreadHistory(ThreadId, null, "s", null, [First, FirstAnswer])
        {
            OfKey = new TurnOfKey(turn, status)
            {
                HasMessage = hasMessage, HasNewerAnswer = hasNewerAnswer, HasNewerRunning = hasNewerRunning,
            },
        };

        Assert.IsType(expected, TurnPlan.Of(Regenerate("m1") with { Key = "key-1" }, thread, null, Now));
        Assert.IsType<TurnPlan.Join>(TurnPlan.Of(Regenerate("m1") with { Key = "key-1" }, thread, turn, Now));
    }

    [Fact]
    public void A_repeated_request_without_a_message_whose_turn_was_cut_never_answers_a_later_message()
    {
        var request = new ChatRequest { ThreadId = "x", Key = "key-1" };
        var ofKey = new TurnOfKey(new RunningTurn(StreamIds.New(Now, "key-1"), Guid.NewGuid(), First.Id), MessageStatus.Aborted)
        {
            HasMessage = true,
        };
        var cut = Assistant("1", MessageStatus.Aborted);

        Assert.Equal(new TurnPlan.Replay(First.Id), TurnPlan.Of(request, Thread(First, cut, Second), null, Now));
        var start = Assert.IsType<TurnPlan.Start>(TurnPlan.Of(request, Thread(First, cut), null, Now));
        Assert.Equal((true, First.Id), (start.ReplacesAnswer, start.Asked));

        ThreadHistory Thread(params HistoryMessage[] messages) => new(ThreadId, null, "s", null, messages) { OfKey = ofKey };
    }

    private static TurnPlan Plan(ChatRequest request, RunningTurn? running, params HistoryMessage[] messages) =>
        TurnPlan.Of(
            request,
            new ThreadHistory(ThreadId, null, "s", null, messages)
            {
                MessageCount = messages.Length, RunningTurns = running is null ? [] : [running],
            },
            running, Now);

    private static TurnPlan.Start Start(ChatRequest request, params HistoryMessage[] messages) =>
        Assert.IsType<TurnPlan.Start>(Plan(request, null, messages));

    private static ChatRequest Submit(string id, string text) => new() { ThreadId = "x", IsUi = true, Message = new(id, text, []) };

    private static ChatRequest Regenerate(string? id) => new() { ThreadId = "x", IsUi = true, Regeneration = new(id, null) };

    private static HistoryMessage User(string clientId, string text) =>
        new(Guid.CreateVersion7(), "user", text, MessageStatus.Completed, null, null, null, null, null, clientId);

    private static HistoryMessage Assistant(string text, string status = MessageStatus.Completed) =>
        new(Guid.CreateVersion7(), "assistant", text, status, null, null, null, null, null);

    private static HistoryMessage Tool() =>
        new(Guid.CreateVersion7(), "tool", "result", MessageStatus.Completed, null, "call_1", "search_web", null, null);
}
