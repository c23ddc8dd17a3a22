using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Tools;

namespace Sendcat.UnitTests.Tools;

public sealed class TurnToolBudgetTests
{
    private readonly TurnToolBudget budget = new(new ToolBox([new GetCurrentTime(new FakeTimeProvider())], ContentCapture.Off, NullLogger<ToolBox>.Instance));

    [Fact]
    public void A_call_over_the_limit_is_refused_and_the_model_has_to_answer()
    {
        Assert.True(budget.TryTake("get_current_time"));
        Assert.False(budget.Exhausted);

        Assert.False(budget.TryTake("get_current_time"));
        Assert.True(budget.Exhausted);
    }

    [Fact]
    public void An_optional_take_uses_the_limit_and_its_refusal_does_not_exhaust_the_budget()
    {
        Assert.True(budget.TryTakeOptional("get_current_time"));

        Assert.False(budget.TryTakeOptional("get_current_time"));
        Assert.False(budget.Exhausted);
        Assert.False(budget.TryTake("get_current_time"));
    }
}
