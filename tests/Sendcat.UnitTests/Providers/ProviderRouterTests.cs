using System.Text.Json;
using Sendcat.ApiService.Providers;
using static Sendcat.UnitTests.Providers.ProviderResponses;
using static Sendcat.UnitTests.Providers.ScriptedProvider;

namespace Sendcat.UnitTests.Providers;

public sealed class ProviderRouterTests : IDisposable
{
    private readonly ScriptedProvider _provider = new();

    public void Dispose() => _provider.Dispose();

    [Fact]
    public async Task A_successful_call_uses_the_primary_route()
    {
        _provider.RespondsWith(Text("hi"), Finish("stop"), Usage(), Done);

        var (events, failure) = await _provider.RunAsync();

        Assert.Null(failure);
        Assert.Equal(new ProviderEvent.RouteChosen("openrouter", "primary", "agent", "openai/gpt-5"), events[0]);
        Assert.Equal(new ProviderEvent.Text("hi"), events[1]);
        Assert.Equal("stop", Assert.IsType<ProviderEvent.Finished>(events[^1]).Reason);
        Assert.Equal(1, _provider.Guards.Circuit("primary").SuccessCount);
        Assert.Empty(_provider.Guards.AcquiredSlots);
    }

    [Fact]
    public async Task The_request_carries_the_api_key_referer_and_title_headers()
    {
        _provider.RespondsWith(Text("hi"), Finish("stop"), Done);

        await _provider.RunAsync();

        var (uri, _, headers) = Assert.Single(_provider.Requests);
        Assert.Equal("https://openrouter.ai/api/v1/chat/completions", uri);
        Assert.Equal(
            ("Bearer key-one", "https://sendcat.example", "Sendcat"),
            (headers["Authorization"], headers["HTTP-Referer"], headers["X-Title"]));
    }

    [Fact]
    public async Task Without_a_requested_model_the_primary_route_requests_one_model_only()
    {
        _provider.RespondsWith(Text("hi"), Finish("stop"), Done);

        await _provider.RunAsync();

        using var body = JsonDocument.Parse(_provider.Requests[0].Body);
        Assert.Equal("openai/gpt-5", body.RootElement.GetProperty("model").GetString());
        Assert.False(body.RootElement.TryGetProperty("models", out _));
    }

    [Theory]
    [InlineData(402, true, 0)]
    [InlineData(408, true, 1)]
    [InlineData(418, true, 0)]
    [InlineData(429, true, 1)]
    [InlineData(500, true, 1)]
    [InlineData(503, true, 1)]
    [InlineData(529, true, 1)]
    [InlineData(400, false, 0)]
    [InlineData(401, false, 0)]
    [InlineData(403, false, 0)]
    [InlineData(404, false, 0)]
    [InlineData(422, false, 0)]
    public async Task Failover_and_circuit_failures_depend_on_the_error_status(int status, bool failsOver, int circuitFailures)
    {
        _provider.Refuses(status).RespondsWith(Text("from the other"), Finish("stop"), Done);

        var (events, failure) = await _provider.RunAsync();

        Assert.Equal(
            failsOver, events.OfType<ProviderEvent.RouteChosen>().Any(e => e is { RouteId: "secondary", Model: "moonshotai/kimi-k2.5" }));
        Assert.Equal(failsOver, failure is null);
        Assert.Equal(circuitFailures, _provider.Guards.Circuit("primary").FailureCount);
        Assert.Empty(_provider.Guards.HeldSlots);
    }

    [Theory]
    [InlineData(402, "upstream_quota_exceeded", true)]
    [InlineData(429, "upstream_rate_limited", true)]
    [InlineData(401, "upstream_auth", false)]
    [InlineData(404, "upstream_bad_request", false)]
    [InlineData(502, "upstream_unavailable", true)]
    [InlineData(418, "upstream_error", true)]
    public async Task Without_failover_the_failure_has_our_error_code_and_text(int status, string code, bool retryable)
    {
        _provider.Gateway.ProviderFailoverEnabled = false;
        _provider.Refuses(status, retryAfter: "7");

        var (_, failure) = await _provider.RunAsync();

        Assert.Equal(
            (code, retryable, "openrouter", "primary", status),
            (failure!.Error.Code, failure.Error.Retryable, failure.Error.ProviderId, failure.Error.RouteId!, failure.Error.Status!.Value));
        Assert.Equal(retryable ? 7000 : null, failure.Error.RetryAfterMs);
        Assert.DoesNotContain("secret", failure.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_connection_fails_over()
    {
        _provider.FailsWith(new HttpRequestException("refused")).RespondsWith(Text("b"), Finish("stop"), Done);

        var (events, failure) = await _provider.RunAsync();

        Assert.Null(failure);
        Assert.Equal("secondary", Assert.Single(events.OfType<ProviderEvent.RouteChosen>()).RouteId);
    }

    [Theory]
    [InlineData("")]
    [InlineData(": OPENROUTER PROCESSING\n\ndata: {\"error\":{\"code\":502,\"message\":\"x\"}}\n\n")]
    [InlineData("data: {broken\n\n")]
    [InlineData("data: [DONE]\n\n")]
    public async Task A_failure_after_the_headers_but_before_the_first_token_fails_over(string sse)
    {
        _provider.RespondsWith(sse).RespondsWith(Text("b"), Finish("stop"), Done);

        var (events, failure) = await _provider.RunAsync();

        Assert.Null(failure);
        Assert.Equal(["primary", "secondary"], events.OfType<ProviderEvent.RouteChosen>().Select(e => e.RouteId));
        Assert.Equal("b", ParsedResponse.Of(events, null).Text);
    }

    [Fact]
    public async Task A_failure_after_the_first_token_never_fails_over()
    {
        _provider.RespondsWith(Text("half"), "data: {\"error\":{\"code\":502}}\n\n");

        var (events, failure) = await _provider.RunAsync();

        Assert.Equal(("half", "upstream_unavailable"), (ParsedResponse.Of(events, null).Text, failure!.Error.Code));
        Assert.Equal(1, _provider.Guards.Circuit("primary").FailureCount);
        Assert.Single(_provider.Requests);
    }

    [Fact]
    public async Task An_open_circuit_sends_calls_to_the_secondary_route_without_a_primary_request()
    {
        _provider.Gateway.ProviderFailoverEnabled = false;
        for (var i = 0; i < 5; i++)
        {
            _provider.Refuses(500);
            await _provider.RunAsync();
        }

        _provider.Gateway.ProviderFailoverEnabled = true;
        _provider.RespondsWith(Text("b"), Finish("stop"), Done);
        var (events, _) = await _provider.RunAsync();

        Assert.Equal("open", _provider.Guards.Circuit("primary").State);
        Assert.Equal("secondary", Assert.Single(events.OfType<ProviderEvent.RouteChosen>()).RouteId);
        Assert.Equal(6, _provider.Requests.Count);
    }

    [Fact]
    public async Task A_failure_reports_whether_a_request_was_sent()
    {
        _provider.Gateway.ProviderFailoverEnabled = false;
        ProviderException? sent = null;
        for (var i = 0; i < 5; i++)
        {
            _provider.Refuses(500);
            (_, sent) = await _provider.RunAsync();
        }

        var (_, rejected) = await _provider.RunAsync();
        var (_, invalid) = await _provider.RunAsync(Request("no such model!"));

        Assert.Equal((true, false, false), (sent!.RequestSent, rejected!.RequestSent, invalid!.RequestSent));
        Assert.Equal(5, _provider.Requests.Count);
    }

    [Fact]
    public async Task The_first_token_of_a_probe_closes_the_circuit()
    {
        _provider.Gateway.ProviderFailoverEnabled = false;
        for (var i = 0; i < 5; i++)
        {
            _provider.Refuses(500);
            await _provider.RunAsync();
        }

        _provider.Time.Advance(TimeSpan.FromSeconds(61));
        var body = _provider.Streams();
        await body.WriteAsync(Text("still there"));
        await using var events = _provider.Router.StreamAsync(Request(), CancellationToken.None).GetAsyncEnumerator();
        await events.MoveNextAsync();
        Assert.Equal("half_open", _provider.Guards.Circuit("primary").State);
        await events.MoveNextAsync();

        Assert.Equal("closed", _provider.Guards.Circuit("primary").State);
    }

    [Fact]
    public async Task Missing_headers_within_the_route_timeout_are_a_timeout_and_fail_over()
    {
        var cancelled = _provider.HangsBeforeHeaders();
        _provider.RespondsWith(Text("b"), Finish("stop"), Done);

        var run = _provider.RunAsync();
        _provider.Time.Advance(TimeSpan.FromMilliseconds(44_990));
        Assert.False(cancelled.IsCompleted);
        _provider.Time.Advance(TimeSpan.FromMilliseconds(20));

        Assert.Null((await run).Failure);
        await cancelled;
        Assert.Equal(1, _provider.Guards.Circuit("primary").FailureCount);
    }

    [Fact]
    public async Task An_invalid_model_id_is_refused_without_a_request()
    {
        var (_, failure) = await _provider.RunAsync(Request("no such model!"));

        Assert.Equal(("upstream_bad_request", false), (failure!.Error.Code, failure.Error.Retryable));
        Assert.Empty(_provider.Requests);
    }

    [Fact]
    public async Task The_secondary_route_may_have_a_separate_account()
    {
        _provider.Knobs.SecondaryApiKey = "key-two";
        _provider.Knobs.SecondaryBaseUrl = "https://other.example/v1/";
        _provider.Refuses(402).RespondsWith(Text("b"), Finish("stop"), Done);

        await _provider.RunAsync();

        Assert.Equal(
            ("https://other.example/v1/chat/completions", "Bearer key-two"),
            (_provider.Requests[1].Uri, _provider.Requests[1].Headers["Authorization"]));
    }

    [Fact]
    public async Task A_requested_model_equal_to_the_secondary_gets_a_different_secondary_model()
    {
        _provider.Refuses(500).RespondsWith(Text("b"), Finish("stop"), Done);

        var (events, _) = await _provider.RunAsync(Request("google/gemini-2.0-flash-exp:free"));

        Assert.Equal(
            ("fast", "moonshotai/kimi-k2.5"), events.OfType<ProviderEvent.RouteChosen>().Select(e => (e.ModelClass, e.Model)).Single());
    }
}
