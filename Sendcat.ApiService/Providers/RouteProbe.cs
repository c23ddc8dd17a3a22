using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers.OpenRouter;
using Sendcat.Reliability.Circuits;

namespace Sendcat.ApiService.Providers;

/// <summary>
/// Calls a model on one route to find out whether it works now. The call costs a few tokens.
/// </summary>
internal sealed class RouteProbe(
    RoutePlan plan, IOptionsMonitor<ProviderRouteOptions> options, OpenRouterClient client, RequestFiles files, ModelPrices prices,
        TimeProvider time,
    CallFailures failures)
{
    private const int MaxTokens = 16;

    private static readonly TimeSpan MaxDuration = TimeSpan.FromSeconds(30);

    /// <summary>For an operator: the call ignores the circuit and the bulkhead and counts for neither.</summary>
    /// <inheritdoc cref="RunAsync(string, string, IRouteGuards, CancellationToken)"/>
    public Task<ProbeResult> RunAsync(string routeId, string modelClass, CancellationToken cancellationToken) =>
        RunAsync(routeId, modelClass, new NoGuards(), cancellationToken);

    /// <param name="routeId"><c>primary</c> or <c>secondary</c>.</param>
    /// <param name="modelClass">See <see cref="ModelClass"/>.</param>
    /// <param name="guards">The guards of the call. They may refuse it, and its result counts for them.</param>
    /// <exception cref="OperationCanceledException">The caller left.</exception>
    public async Task<ProbeResult> RunAsync(string routeId, string modelClass, IRouteGuards guards, CancellationToken cancellationToken)
    {
        var route = plan.OfClass(modelClass).Single(route => route.Id == routeId) with { Retries = 0, MaxOutputTokens = MaxTokens };
        var request = new ProviderRequest
        {
            Messages = [new("user", "Reply with OK.")], WithPrompts = false, ToolsAllowed = false, ThreadId = "probe", StreamId = "probe",
                HeldRoute = route.Id,
        };
        using var limit = new CancellationTokenSource(MaxDuration, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var startedAt = time.GetTimestamp();
        long? firstToken = null;
        ProviderEvent.Finished? finished = null;
        var events = new List<ProviderEvent>();
        try
        {
            await using var call = new ProviderCall(request, [route], options.CurrentValue, client, files, guards, time, failures,
                either.Token);
            while (await call.NextAsync(events))
            {
                firstToken ??= events.Any(each => each is ProviderEvent.Text or ProviderEvent.Reasoning) ? time.GetTimestamp() : null;
                finished ??= events.OfType<ProviderEvent.Finished>().FirstOrDefault();
                events.Clear();
            }

            return Result(null, null);
        }
        catch (ProviderException failure)
        {
            return Result(failure.Error.Code, failure.Error.Status);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return Result("upstream_timeout", null);
        }

        ProbeResult Result(string? code, int? status) => new(route.Id, route.Model, code, status, time.GetElapsedTime(startedAt))
        {
            FirstToken = firstToken is { } at ? time.GetElapsedTime(startedAt, at) : null,
            Tokens = finished?.Usage?.TotalTokens,
            CostUsd = finished?.Usage is not { } usage ? null
                : usage.Cost ?? prices.Of(route.Model)?.MicroUsd(usage.PromptTokens, usage.CompletionTokens) / 1_000_000,
        };
    }

    private sealed class NoGuards : IRouteGuards
    {
        public ValueTask<IAsyncDisposable?> AcquireSlotAsync(ProviderRoute route, string holder, CancellationToken cancellationToken) =>
            default;

        public ValueTask<CircuitPermit?> EnterAsync(ProviderRoute route, CancellationToken cancellationToken) => default;

        public void FailedOver(ProviderRoute route, string code)
        {
        }
    }
}

/// <param name="Code">The error code; null: the route works.</param>
/// <param name="Status">The HTTP status of a failure.</param>
internal sealed record ProbeResult(string RouteId, string Model, string? Code, int? Status, TimeSpan Duration)
{
    public TimeSpan? FirstToken { get; init; }

    public long? Tokens { get; init; }

    public decimal? CostUsd { get; init; }
}
