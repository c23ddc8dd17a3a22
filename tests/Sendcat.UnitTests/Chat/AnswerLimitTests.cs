using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Streaming;

namespace Sendcat.UnitTests.Chat;

public sealed class AnswerLimitTests
{
    [Fact]
    public void Text_reasoning_and_arguments_count_together_and_the_last_delta_is_cut_to_what_fits()
    {
        var limit = new AnswerLimit(10);

        Assert.Equal(new ChatEvent.Reasoning("abcd"), limit.Take(new ChatEvent.Reasoning("abcd")));
        Assert.Equal(new ChatEvent.ToolInputDelta("c", "efgh"), limit.Take(new ChatEvent.ToolInputDelta("c", "efgh")));
        Assert.False(limit.IsExceeded);
        Assert.Equal(new ChatEvent.Content("ij"), limit.Take(new ChatEvent.Content("ijkl")));
        Assert.True(limit.IsExceeded);
        Assert.Null(limit.Take(new ChatEvent.Content("m")));
    }

    [Fact]
    public void An_answer_exactly_at_the_limit_is_not_cut()
    {
        var limit = new AnswerLimit(4);

        Assert.Equal(new ChatEvent.Content("abcd"), limit.Take(new ChatEvent.Content("abcd")));
        Assert.False(limit.IsExceeded);
    }

    [Fact]
    public void A_surrogate_pair_is_not_split_at_the_limit()
    {
        var limit = new AnswerLimit(2);

        Assert.Equal(new ChatEvent.Content("a"), limit.Take(new ChatEvent.Content("a\ud83d\ude00")));
    }

    [Fact]
    public void Events_that_carry_no_model_text_are_not_limited()
    {
        var limit = new AnswerLimit(0);
        ChatEvent start = new ChatEvent.ToolInputStart("c", "search_web");

        Assert.Same(start, limit.Take(start));
        Assert.False(limit.IsExceeded);
    }

    [Fact]
    public void Many_changes_between_delta_kinds_count_towards_the_limit()
    {
        var limit = new AnswerLimit(1_000_000);
        var taken = 0;
        while (!limit.IsExceeded)
        {
            taken += limit.Take(taken % 2 == 0 ? new ChatEvent.Content("x") : new ChatEvent.Reasoning("x")) is null ? 0 : 1;
        }

        Assert.InRange(taken, 1_000, 10_000);
    }
}
