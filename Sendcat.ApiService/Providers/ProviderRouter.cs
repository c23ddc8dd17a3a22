using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.ApiService.Providers.OpenRouter;

namespace Sendcat.ApiService.Providers;

/// <summary>Makes the model calls of a turn, with retries and failover between routes.</summary>
internal sealed class ProviderRouter(
    RoutePlan plan,
    IOptionsMonitor<ProviderRouteOptions> options,
    OpenRouterClient client,
    RequestFiles files,
    IRouteGuards guards,
    GenAiTelemetry telemetry,
    TimeProvider time,
    CallFailures failures)
{
    /// <summary>
    /// Streams one model call. The last event is <see cref="ProviderEvent.Finished"/>. Cancelling, or leaving the enumeration early, closes
    /// the connection to the provider immediately in every phase. It does not count as a failure.
    /// </summary>
    /// <exception cref="ProviderException">The call failed. The events before the failure remain valid.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async IAsyncEnumerable<ProviderEvent> StreamAsync(
        ProviderRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (request.ModelId is { } model && !ModelCatalogue.IsModelId(model))
        {
            throw new ProviderFaults(ProviderRoute.Primary).BadModel();
        }

        var routes = plan.For(request.ModelId, request.HeldRoute, request.PricedOnly);
        using var operation = telemetry.Start(request, routes[0]);
        await using var call = new ProviderCall(
            request, routes, options.CurrentValue, client, files, guards, time, failures, cancellationToken);
        var events = new List<ProviderEvent>(4);
        while (await NextAsync(call, events, operation))
        {
            foreach (var providerEvent in events)
            {
                yield return providerEvent;
            }

            events.Clear();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<bool> NextAsync(ProviderCall call, List<ProviderEvent> events, GenAiTelemetry.Operation operation)
    {
        operation.Enter();
        try
        {
            var more = await call.NextAsync(events);
            foreach (var providerEvent in events)
            {
                if (providerEvent is ProviderEvent.RouteChosen)
                {
                    operation.RecordRequest(call.Prompts, call.Offered);
                }

                operation.RecordEvent(providerEvent, call.ResponseId);
            }

            return more;
        }
        catch (ProviderException failure)
        {
            operation.RecordFailure(failure);
            throw;
        }
    }
}
