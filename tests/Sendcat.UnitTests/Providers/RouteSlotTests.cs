using Sendcat.ApiService.Providers;
using static Sendcat.UnitTests.Providers.ProviderResponses;
using static Sendcat.UnitTests.Providers.ScriptedProvider;

namespace Sendcat.UnitTests.Providers;

/// <summary>Which slots of the bulkheads a model call takes, and when it releases them.</summary>
public sealed class RouteSlotTests : IDisposable
{
    private readonly ScriptedProvider _provider = new();

    public void Dispose() => _provider.Dispose();

    [Fact]
    public async Task The_secondary_slot_is_held_until_the_stream_ends_and_then_released()
    {
        _provider.Refuses(500);
        var body = _provider.Streams();
        await body.WriteAsync(Text("b"));
        await using var events = _provider.Router.StreamAsync(Request(), CancellationToken.None).GetAsyncEnumerator();
        await events.MoveNextAsync();
        await events.MoveNextAsync();

        Assert.Equal(["openrouter_chat_secondary s-1"], _provider.Guards.AcquiredSlots);
        Assert.Equal(["secondary"], _provider.Guards.HeldSlots);

        await body.WriteAsync(Finish("stop") + Done);
        await body.EndAsync();
        while (await events.MoveNextAsync())
        {
        }

        Assert.Empty(_provider.Guards.HeldSlots);
    }

    [Fact]
    public async Task A_primary_slot_that_the_caller_does_not_hold_is_acquired()
    {
        _provider.RespondsWith(Text("b"), Finish("stop"), Done);

        await _provider.RunAsync(Request() with { HeldRoute = null });

        Assert.Equal(["openrouter_chat_primary s-1"], _provider.Guards.AcquiredSlots);
        Assert.Empty(_provider.Guards.HeldSlots);
    }

    [Fact]
    public async Task A_turn_that_holds_a_secondary_slot_starts_there_and_fails_over_to_the_primary_route()
    {
        _provider.RespondsWith(Text("b"), Finish("stop"), Done);

        var (events, _) = await _provider.RunAsync(Request() with { HeldRoute = ProviderRoute.Secondary });

        Assert.Equal("secondary", Assert.Single(events.OfType<ProviderEvent.RouteChosen>()).RouteId);
        Assert.Empty(_provider.Guards.AcquiredSlots);

        _provider.Refuses(503);
        _provider.RespondsWith(Text("c"), Finish("stop"), Done);
        await _provider.RunAsync(Request() with { HeldRoute = ProviderRoute.Secondary });

        Assert.Equal(["openrouter_chat_primary s-1"], _provider.Guards.AcquiredSlots);
    }

    [Fact]
    public async Task Full_bulkheads_on_both_routes_return_a_retry_delay_and_do_not_count_as_failures()
    {
        _provider.Guards.FullRoutes.UnionWith(["primary", "secondary"]);

        var (_, failure) = await _provider.RunAsync(Request() with { HeldRoute = null });

        Assert.Equal(("upstream_unavailable", 3000, true), (failure!.Error.Code, failure.Error.RetryAfterMs, failure.Error.Retryable));
        Assert.Empty(_provider.Requests);
        Assert.Equal(0, _provider.Guards.Circuit("primary").FailureCount);
    }
}
