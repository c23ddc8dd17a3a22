using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.ApiService.Providers.OpenRouter;

namespace Sendcat.ApiService.Providers;

/// <summary>Where a turn gets its model's answer from, whichever route gives it.</summary>
internal sealed class ProviderRouter(
    RoutePlan plan,
    IOptionsMonitor<ProviderRouteOptions> options,
    OpenRouterClient client,
    IRouteGuards guards,
    GenAiTelemetry telemetry,
    TimeProvider time,
    ILogger<ProviderRouter> logger)
{
    /// <summary>
    /// Streams one model call. The events end with <see cref="ProviderEvent.Finished"/>. Cancelling, or leaving the enumeration early, closes the provider's connection at once,
    /// whatever the phase, and is nobody's failure.
    /// </summary>
    /// <exception cref="ProviderException">The call failed; the events before it stand.</exception>
    public async IAsyncEnumerable<ProviderEvent> StreamAsync(ProviderRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (request.ModelId is { } model && !ModelCatalogue.IsModelId(model))
        {
            throw new ProviderFaults(ProviderRoute.Primary).BadModel();
        }

        var routes = plan.For(request.ModelId);
        using var operation = telemetry.Start(request, routes[0]);
        await using var call = new ProviderCall(request, routes, options.CurrentValue, client, guards, time, logger, cancellationToken);
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
                    operation.Sent(call.Prompts, call.Offered);
                }

                operation.Saw(providerEvent, call.ResponseId);
            }

            return more;
        }
        catch (ProviderException failure)
        {
            operation.Failed(failure);
            throw;
        }
    }
}
