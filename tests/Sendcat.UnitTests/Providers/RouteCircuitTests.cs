using System.Text.Json.Nodes;
using Sendcat.ApiService.Providers;
using static Sendcat.UnitTests.Providers.Answers;
using static Sendcat.UnitTests.Providers.ScriptedProvider;

namespace Sendcat.UnitTests.Providers;

/// <summary>What a route's circuit learns of a call: by which model, and how it ended.</summary>
public sealed class RouteCircuitTests : IDisposable
{
    private const string Own = "anthropic/claude-haiku-4.5";

    private readonly ScriptedProvider _provider = new();

    public RouteCircuitTests() => _provider.Gateway.ProviderFailoverEnabled = false;

    public void Dispose() => _provider.Dispose();

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task A_model_that_a_caller_chose_never_opens_the_circuit(int status)
    {
        for (var n = 0; n < 20; n++)
        {
            await _provider.Refuses(status).RunAsync(Turn(Own));
        }

        Assert.Equal(("closed", 0), State());
        Assert.Equal(20, _provider.Requests.Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("openai/gpt-5")]
    [InlineData("google/gemini-2.0-flash-exp:free")]
    public async Task A_configured_model_counts_whoever_names_it(string? model)
    {
        await RefusedAsync(429, 5, model);

        Assert.Equal(("open", 5), State());
    }

    [Fact]
    public async Task The_success_of_a_model_that_a_caller_chose_forgives_nothing()
    {
        await RefusedAsync(500, 4);
        await ServedAsync(Own);
        await RefusedAsync(500, 1);

        Assert.Equal("open", State().State);
    }

    [Fact]
    public async Task A_model_that_a_caller_chose_is_not_the_probe()
    {
        await RefusedAsync(500, 5);
        _provider.Time.Advance(TimeSpan.FromSeconds(61));

        var (_, refused) = await _provider.RunAsync(Turn(Own));
        Assert.Equal(("upstream_unavailable", false, "half_open"), (refused!.Error.Code, refused.RequestSent, State().State));

        await ServedAsync(null);
        Assert.Equal("closed", State().State);
    }

    [Fact]
    public async Task Moderation_is_told_as_what_it_is_and_counts_nowhere()
    {
        for (var n = 0; n < 20; n++)
        {
            var (_, failure) = await _provider.Refuses(403).RunAsync();
            Assert.Equal(("upstream_bad_request", false), (failure!.Error.Code, failure.Error.Retryable));
            Assert.Contains("declined", failure.Error.Message, StringComparison.Ordinal);
        }

        Assert.Equal((("closed", 0), null), (State(), Suspended()));
    }

    [Theory]
    [InlineData("content_policy_violation")]
    [InlineData("permission_denied")]
    [InlineData("forbidden")]
    public async Task Moderation_inside_a_stream_is_told_alike(string word)
    {
        var (_, failure) = await _provider.Answers(Data($$$"""{"error":{"code":"{{{word}}}","message":"x"}}""")).RunAsync();

        Assert.Equal(("upstream_bad_request", 403), (failure!.Error.Code, failure.Error.Status));
    }

    [Theory]
    [InlineData(401, "key")]
    [InlineData(402, "quota")]
    public async Task Three_refusals_of_the_account_in_a_row_suspend_the_route_until_a_probe_is_served(int status, string reason)
    {
        await RefusedAsync(status, 2);
        Assert.Null(Suspended());
        await RefusedAsync(status, 1);
        Assert.Equal(("open", reason), (State().State, Suspended()));

        // Nobody asks any more, and the first probe finds the account as it was.
        var (_, refused) = await _provider.RunAsync();
        Assert.Equal(("upstream_unavailable", 60_000, 3), (refused!.Error.Code, refused.Error.RetryAfterMs, _provider.Requests.Count));
        _provider.Time.Advance(TimeSpan.FromSeconds(60));
        await RefusedAsync(status, 1);
        await _provider.RunAsync();
        Assert.Equal(("open", reason, 4), (State().State, Suspended(), _provider.Requests.Count));

        _provider.Time.Advance(TimeSpan.FromSeconds(60));
        await ServedAsync(null);
        Assert.Equal(("closed", null), (State().State, Suspended()));
    }

    [Theory]
    [InlineData(401)]
    [InlineData(402)]
    public async Task A_call_that_is_served_ends_the_row(int status)
    {
        await RefusedAsync(status, 2);
        await ServedAsync(null);
        await RefusedAsync(status, 2);

        Assert.Null(Suspended());
    }

    [Theory]
    [InlineData(401)]
    [InlineData(402)]
    public async Task No_choice_of_a_caller_suspends_the_route(int status)
    {
        await RefusedAsync(status, 20, Own);

        Assert.Equal(("closed", null), (State().State, Suspended()));
    }

    [Fact]
    public async Task A_refused_key_counts_by_any_model_as_soon_as_a_configured_one_confirms_it()
    {
        await RefusedAsync(401, 2, Own);
        await RefusedAsync(401, 1);

        Assert.Equal("key", Suspended());
    }

    [Fact]
    public async Task Other_failures_of_the_probe_keep_the_suspension()
    {
        await RefusedAsync(401, 3);
        _provider.Time.Advance(TimeSpan.FromSeconds(60));
        await RefusedAsync(503, 1);

        Assert.Equal(("open", "key"), (State().State, Suspended()));
    }

    [Fact]
    public async Task A_suspended_route_is_replaced_by_the_other_only_if_that_has_an_account_of_its_own()
    {
        await RefusedAsync(402, 3);
        _provider.Gateway.ProviderFailoverEnabled = true;

        var (_, same) = await _provider.RunAsync();
        _provider.Knobs.SecondaryApiKey = "key-two";
        var (events, other) = await _provider.Answers(Text("b"), Finish("stop"), Done).RunAsync();

        Assert.Equal(("upstream_unavailable", null), (same?.Error.Code, other));
        Assert.Equal("secondary", Assert.Single(events.OfType<ProviderEvent.RouteChosen>()).RouteId);
    }

    [Fact]
    public async Task A_refused_key_fails_over_to_an_account_of_its_own()
    {
        _provider.Gateway.ProviderFailoverEnabled = true;
        _provider.Knobs.SecondaryApiKey = "key-two";

        var (events, failure) = await _provider.Refuses(401).Answers(Text("b"), Finish("stop"), Done).RunAsync();

        Assert.Null(failure);
        Assert.Equal("secondary", Assert.Single(events.OfType<ProviderEvent.RouteChosen>()).RouteId);
    }

    [Fact]
    public async Task Every_call_says_how_long_its_answer_may_be()
    {
        _provider.Catalogue.ApplyRefresh(new Dictionary<string, ApiService.Providers.Catalogue.CatalogueModel> { ["small/one"] = new(true, null, 353) }, TimeSpan.FromHours(1));

        await ServedAsync(null);
        await ServedAsync("small/one");
        _provider.Knobs.MaxOutputTokens = 100;
        await ServedAsync("small/one");

        Assert.Equal([4096, 353, 100], _provider.Requests.Select(request => JsonNode.Parse(request.Body)!["max_tokens"]!.GetValue<int>()));
    }

    private async Task RefusedAsync(int status, int times, string? model = null)
    {
        for (var n = 0; n < times; n++)
        {
            await _provider.Refuses(status).RunAsync(Turn(model));
        }
    }

    private async Task ServedAsync(string? model) => Assert.Null((await _provider.Answers(Text("hi"), Finish("stop"), Done).RunAsync(Turn(model))).Failure);

    private (string State, int Failures) State() => _provider.Guards.Circuit("primary") is var circuit ? (circuit.State, circuit.FailureCount) : default;

    private string? Suspended() => _provider.Guards.Circuit("primary").Suspended;
}
