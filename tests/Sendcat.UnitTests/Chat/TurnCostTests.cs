using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.UnitTests.Providers;

namespace Sendcat.UnitTests.Chat;

public sealed class TurnCostTests : IDisposable
{
    private const string Priced = "openai/gpt-5";
    private const string Unpriced = "nobody/knows";

    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly ScriptedProvider _provider = new();
    private readonly ModelPrices _prices;

    public TurnCostTests() => _prices = new(_provider.Catalogue);

    public void Dispose() => _provider.Dispose();

    [Fact]
    public void The_cost_that_the_provider_reports_precedes_the_price_of_the_catalogue()
    {
        Assert.Equal(new ModelCost(Priced, 1, 100, 10, 225), Ended(Priced, new(100, 10, 110, null, null, null)).Cost(_prices));
        Assert.Equal(new ModelCost(Priced, 1, 100, 10, 1_235), Ended(Priced, new(100, 10, 110, null, null, 0.0012345m)).Cost(_prices));
        Assert.Equal(1_235, Ended(Unpriced, new(100, 10, 110, null, null, 0.0012345m)).Cost(_prices)!.MicroUsd);
    }

    [Fact]
    public void The_cost_of_a_model_without_a_price_is_unknown_and_not_zero()
    {
        Assert.Equal(new ModelCost(Unpriced, 1, 100, 10, null), Ended(Unpriced, new(100, 10, 110, null, null, null)).Cost(_prices));
        Assert.Equal(0, Ended("google/gemini-2.0-flash-exp:free", new(100, 10, 110, null, null, null)).Cost(_prices)!.MicroUsd);
    }

    [Fact]
    public void Without_a_count_of_the_provider_tokens_are_estimated_and_a_failed_call_keeps_the_reported_ones()
    {
        var call = Begun(Priced);
        call.Process(new ProviderEvent.Text(new string('x', 400)), step: 0);

        Assert.Equal(new ModelCost(Priced, 1, 250, 100, 1_313), call.Cost(_prices));
        call.Failed(new(7, 3, 10, null, null, null));
        Assert.Equal(new ModelCost(Priced, 1, 7, 3, 39), call.Cost(_prices));
    }

    [Fact]
    public void A_call_without_a_route_costs_nothing() =>
        Assert.Null(new ModelCall(null, 1_000, new FakeTimeProvider()).Cost(_prices));

    [Fact]
    public void Costs_are_summed_by_model_and_one_unknown_price_makes_the_total_unknown()
    {
        var cost = TurnCost.Of([new("a", 1, 10, 1, 100), new("b", 1, 20, 2, 200), new("a", 1, 30, 3, 300)]);
        var partly = TurnCost.Of([new("a", 1, 10, 1, 100), new("b", 1, 20, 2, null), new("b", 1, 20, 2, 7)]);

        Assert.Equal([new("a", 2, 40, 4, 400), new("b", 1, 20, 2, 200)], cost.Models);
        Assert.Equal((60, 6, 600L), (cost.PromptTokens, cost.CompletionTokens, cost.MicroUsd));
        Assert.Equal([new("a", 1, 10, 1, 100), new("b", 2, 40, 4, null)], partly.Models);
        Assert.Null(partly.MicroUsd);
        Assert.Equal(0, TurnCost.Of([]).MicroUsd);
    }

    [Fact]
    public void The_costs_of_a_turn_are_written_once_with_its_end_under_the_hash_of_its_principal()
    {
        var record = new TurnRecord(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), "session:a secret", null, Now)
        {
            Address = "ip:192.0.2.1",
        };
        Assert.Empty(record.Changes().Costs);

        record.End(MessageStatus.Completed, Now, TurnCost.Of([new("a", 1, 10, 1, 100), new("b", 1, 20, 2, null)]));
        var changes = record.Changes();
        record.MarkWritten(changes);

        Assert.Equal([(0, "a", 100L), (1, "b", null)], changes.Costs.Select(row => ((int)row.Number, row.Cost.Model, row.Cost.MicroUsd)));
        Assert.All(changes.Costs, row => Assert.Equal((Now, record.StreamId, "ip:192.0.2.1"), (row.EndedAt, row.StreamId, row.Address)));
        Assert.All(changes.Costs, row => Assert.Matches("^session:#[0-9a-f]{16}$", row.Caller));
        Assert.Null(changes.Session.Cost!.MicroUsd);
        Assert.Empty(record.Changes().Costs);
    }

    [Fact]
    public void The_cost_of_a_turn_whose_rows_are_rejected_is_written_with_its_status()
    {
        var record = new TurnRecord(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), "user:ann", null, Now);
        record.TryReduceToError(Now);
        record.MarkWritten(record.Changes());

        record.End(MessageStatus.Completed, Now, TurnCost.Of([new("a", 1, 10, 1, 100)]));

        Assert.Single(record.Changes().Costs);
        Assert.Equal(MessageStatus.Error, record.Changes().Session.Status);
    }

    [Fact]
    public void The_highest_cost_of_a_call_is_that_of_the_dearest_route_and_unknown_without_the_price_of_the_first()
    {
        Assert.Equal(41_210, _prices.Highest([Route(Priced), Route("moonshotai/kimi-k2.5")], 200));
        Assert.Equal(41_210, _prices.Highest([Route("moonshotai/kimi-k2.5"), Route(Priced)], 200));
        Assert.Equal(41_210, _prices.Highest([Route(Priced), Route(Unpriced)], 200));
        Assert.Null(_prices.Highest([Route(Unpriced), Route(Priced)], 200));
    }

    [Fact]
    public void A_prompt_has_the_tokens_of_its_texts_of_the_tools_and_of_its_files()
    {
        var tools = new ToolDeclaration[] { new("search_web", "Searches.", "{}") };
        var none = PromptSize.Tokens([], []);
        var texts = PromptSize.Tokens(
            [new("user", new string('x', 4_000)), new("assistant", null) { ToolCalls = [new("1", "tool", new string('x', 396))] }], []);
        var files = PromptSize.Tokens(
            [
                new("user", "")
                {
                    Attachments =
                    [
                        new(null, "image/png", "a") { Size = 5_000_000 }, new(null, "application/pdf", "b") { Size = 1_000_000 },
                        new(null, "image/png", "c") { LeftOut = "too_many_bytes" },
                    ],
                },
            ],
            []);

        Assert.InRange(none, 600, 1_500);
        Assert.Equal(none + 1_100, texts);
        Assert.Equal(none + 2_000 + 20_000, files);
        Assert.InRange(PromptSize.Tokens([], tools), none + 10, none + 500);
        Assert.Equal(PromptSize.Tokens([new("user", new string('x', 40))], tools), PromptSize.Tokens(40, tools));
    }

    [Fact]
    public void A_turn_with_a_budget_does_not_fail_over_to_a_model_without_a_price()
    {
        _provider.Knobs.AgentSecondaryModel = Unpriced;
        var plan = Plan();

        Assert.Equal([Priced, Unpriced], plan.For(null).Select(route => route.Model));
        Assert.Equal([Priced], plan.For(null, pricedOnly: true).Select(route => route.Model));
        Assert.Equal([Priced], plan.For(null, ProviderRoute.Secondary, pricedOnly: true).Select(route => route.Model));
    }

    private RoutePlan Plan() => new(
        new Fixed<ProviderRouteOptions>(_provider.Knobs), new Fixed<Sendcat.Integrations.Providers.OpenRouterOptions>(_provider.Account),
        new Fixed<Sendcat.Reliability.Knobs.ChatGatewayOptions>(_provider.Gateway), _provider.Catalogue);

    private static ProviderRoute Route(string model) =>
        new("primary", ModelClass.Agent, model, new ModelCapability(true, false), TimeSpan.FromSeconds(1), 0, "", "")
        {
            MaxOutputTokens = 4_096,
        };

    private static ModelCall Begun(string model)
    {
        var call = new ModelCall(null, promptCharacters: 1_000, new FakeTimeProvider());
        call.Process(new ProviderEvent.RouteChosen("openrouter", "primary", ModelClass.Agent, model), step: 0);
        return call;
    }

    private static ModelCall Ended(string model, ProviderUsage usage)
    {
        var call = Begun(model);
        call.Process(new ProviderEvent.Finished("stop", usage, model, null), step: 0);
        return call;
    }
}
