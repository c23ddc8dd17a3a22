using System.Text.Json.Nodes;
using Sendcat.ApiService.Providers;
using static Sendcat.UnitTests.Providers.ProviderResponses;
using static Sendcat.UnitTests.Providers.ScriptedProvider;

namespace Sendcat.UnitTests.Providers;

/// <summary>How the model and the result of a call affect the circuit and the suspension of a route.</summary>
public sealed class RouteCircuitTests : IDisposable
{
    private const string CallerChosenModel = "anthropic/claude-haiku-4.5";

    private readonly ScriptedProvider _provider = new();

    public RouteCircuitTests() => _provider.Gateway.ProviderFailoverEnabled = false;

    public void Dispose() => _provider.Dispose();

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task Failures_of_a_caller_chosen_model_never_open_the_circuit(int status)
    {
        for (var n = 0; n < 20; n++)
        {
            await _provider.Refuses(status).RunAsync(Request(CallerChosenModel));
        }

        Assert.Equal(("closed", 0), State());
        Assert.Equal(20, _provider.Requests.Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("openai/gpt-5")]
    [InlineData("google/gemini-2.0-flash-exp:free")]
    public async Task Failures_of_a_configured_model_count_even_when_the_caller_chose_it(string? model)
    {
        await RefuseAsync(429, 5, model);

        Assert.Equal(("open", 5), State());
    }

    [Fact]
    public async Task A_success_of_a_caller_chosen_model_does_not_reset_the_failure_count()
    {
        await RefuseAsync(500, 4);
        await SucceedAsync(CallerChosenModel);
        await RefuseAsync(500, 1);

        Assert.Equal("open", State().State);
    }

    [Fact]
    public async Task A_caller_chosen_model_is_never_the_half_open_probe()
    {
        await RefuseAsync(500, 5);
        _provider.Time.Advance(TimeSpan.FromSeconds(61));

        var (_, refused) = await _provider.RunAsync(Request(CallerChosenModel));
        Assert.Equal(("upstream_unavailable", false, "half_open"), (refused!.Error.Code, refused.RequestSent, State().State));

        await SucceedAsync(null);
        Assert.Equal("closed", State().State);
    }

    [Fact]
    public async Task A_moderation_refusal_is_reported_as_such_and_does_not_count_as_a_failure()
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
    public async Task A_moderation_error_inside_a_stream_is_reported_like_a_403(string code)
    {
        var (_, failure) = await _provider.RespondsWith(Data($$$"""{"error":{"code":"{{{code}}}","message":"x"}}""")).RunAsync();

        Assert.Equal(("upstream_bad_request", 403), (failure!.Error.Code, failure.Error.Status));
    }

    [Theory]
    [InlineData(401, "key")]
    [InlineData(402, "quota")]
    public async Task Three_consecutive_account_refusals_suspend_the_route_until_a_probe_succeeds(int status, string reason)
    {
        await RefuseAsync(status, 2);
        Assert.Null(Suspended());
        await RefuseAsync(status, 1);
        Assert.Equal(("open", reason), (State().State, Suspended()));

        // No further request is sent. The first probe is refused again.
        var (_, refused) = await _provider.RunAsync();
        Assert.Equal(("upstream_unavailable", 60_000, 3), (refused!.Error.Code, refused.Error.RetryAfterMs, _provider.Requests.Count));
        _provider.Time.Advance(TimeSpan.FromSeconds(60));
        await RefuseAsync(status, 1);
        await _provider.RunAsync();
        Assert.Equal(("open", reason, 4), (State().State, Suspended(), _provider.Requests.Count));

        _provider.Time.Advance(TimeSpan.FromSeconds(60));
        await SucceedAsync(null);
        Assert.Equal(("closed", null), (State().State, Suspended()));
    }

    [Theory]
    [InlineData(401)]
    [InlineData(402)]
    public async Task A_successful_call_resets_the_count_of_consecutive_account_refusals(int status)
    {
        await RefuseAsync(status, 2);
        await SucceedAsync(null);
        await RefuseAsync(status, 2);

        Assert.Null(Suspended());
    }

    [Theory]
    [InlineData(401)]
    [InlineData(402)]
    public async Task Refusals_of_a_caller_chosen_model_never_suspend_the_route(int status)
    {
        await RefuseAsync(status, 20, CallerChosenModel);

        Assert.Equal(("closed", null), (State().State, Suspended()));
    }

    [Fact]
    public async Task Key_refusals_of_any_model_count_once_a_configured_model_confirms_them()
    {
        await RefuseAsync(401, 2, CallerChosenModel);
        await RefuseAsync(401, 1);

        Assert.Equal("key", Suspended());
    }

    [Fact]
    public async Task A_probe_that_fails_otherwise_keeps_the_suspension()
    {
        await RefuseAsync(401, 3);
        _provider.Time.Advance(TimeSpan.FromSeconds(60));
        await RefuseAsync(503, 1);

        Assert.Equal(("open", "key"), (State().State, Suspended()));
    }

    [Fact]
    public async Task A_suspended_route_fails_over_only_to_a_route_with_a_separate_account()
    {
        await RefuseAsync(402, 3);
        _provider.Gateway.ProviderFailoverEnabled = true;

        var (_, sameAccount) = await _provider.RunAsync();
        _provider.Knobs.SecondaryApiKey = "key-two";
        var (events, separateAccount) = await _provider.RespondsWith(Text("b"), Finish("stop"), Done).RunAsync();

        Assert.Equal(("upstream_unavailable", null), (sameAccount?.Error.Code, separateAccount));
        Assert.Equal("secondary", Assert.Single(events.OfType<ProviderEvent.RouteChosen>()).RouteId);
    }

    [Fact]
    public async Task A_refused_key_fails_over_to_a_route_with_a_separate_account()
    {
        _provider.Gateway.ProviderFailoverEnabled = true;
        _provider.Knobs.SecondaryApiKey = "key-two";

        var (events, failure) = await _provider.Refuses(401).RespondsWith(Text("b"), Finish("stop"), Done).RunAsync();

        Assert.Null(failure);
        Assert.Equal("secondary", Assert.Single(events.OfType<ProviderEvent.RouteChosen>()).RouteId);
    }

    [Fact]
    public async Task Every_request_carries_the_maximum_output_tokens()
    {
        _provider.Catalogue.ApplyRefresh(
            new Dictionary<string, ApiService.Providers.Catalogue.CatalogueModel> { ["small/one"] = new(true, null, 353) },
            TimeSpan.FromHours(1));

        await SucceedAsync(null);
        await SucceedAsync("small/one");
        _provider.Knobs.MaxOutputTokens = 100;
        await SucceedAsync("small/one");

        Assert.Equal([4096, 353, 100], _provider.Requests.Select(request => JsonNode.Parse(request.Body)!["max_tokens"]!.GetValue<int>()));
    }

    private async Task RefuseAsync(int status, int times, string? model = null)
    {
        for (var n = 0; n < times; n++)
        {
            await _provider.Refuses(status).RunAsync(Request(model));
        }
    }

    private async Task SucceedAsync(string? model) =>
        Assert.Null((await _provider.RespondsWith(Text("hi"), Finish("stop"), Done).RunAsync(Request(model))).Failure);

    private (string State, int Failures) State() =>
        _provider.Guards.Circuit("primary") is var circuit ? (circuit.State, circuit.FailureCount) : default;

    private string? Suspended() => _provider.Guards.Circuit("primary").Suspended;
}
