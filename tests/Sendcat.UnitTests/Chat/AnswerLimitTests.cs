using Sendcat.ApiService.Chat;

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
    public void An_answer_that_fits_exactly_is_whole()
    {
        var limit = new AnswerLimit(4);

        Assert.Equal(new ChatEvent.Content("abcd"), limit.Take(new ChatEvent.Content("abcd")));
        Assert.False(limit.IsExceeded);
    }

    [Fact]
    public void A_character_is_not_cut_in_two()
    {
        var limit = new AnswerLimit(2);

        Assert.Equal(new ChatEvent.Content("a"), limit.Take(new ChatEvent.Content("a\ud83d\ude00")));
    }

    [Fact]
    public void What_is_not_from_the_model_passes()
    {
        var limit = new AnswerLimit(0);
        ChatEvent told = new ChatEvent.ToolInputStart("c", "search_web");

        Assert.Same(told, limit.Take(told));
        Assert.False(limit.IsExceeded);
    }

    [Fact]
    public void An_answer_that_changes_its_kind_with_every_character_ends_early()
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
