using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Tools;

namespace Sendcat.UnitTests.Tools;

public sealed class TurnToolBudgetTests
{
    private readonly TurnToolBudget _budget = new(
        new ToolBox([new GetCurrentTime(new FakeTimeProvider())], ContentCapture.Off, NullLogger<ToolBox>.Instance));

    [Fact]
    public void A_call_over_the_limit_is_refused_and_the_model_has_to_answer()
    {
        Assert.True(_budget.TryTake("get_current_time"));
        Assert.False(_budget.Exhausted);

        Assert.False(_budget.TryTake("get_current_time"));
        Assert.True(_budget.Exhausted);
    }

    [Fact]
    public void An_optional_take_uses_the_limit_and_its_refusal_does_not_exhaust_the_budget()
    {
        Assert.True(_budget.TryTakeOptional("get_current_time"));

        Assert.False(_budget.TryTakeOptional("get_current_time"));
        Assert.False(_budget.Exhausted);
        Assert.False(_budget.TryTake("get_current_time"));
    }
}
