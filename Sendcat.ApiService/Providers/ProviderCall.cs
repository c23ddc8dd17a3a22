using System.Runtime.CompilerServices;
using Sendcat.ApiService.Providers.Markup;
using Sendcat.ApiService.Providers.OpenRouter;
using Sendcat.ApiService.Providers.Prompts;
using Sendcat.Reliability.Circuits;

namespace Sendcat.ApiService.Providers;

/// <summary>
/// One model call on its way through routes and attempts. Until the first token it may begin anew, on the same route after a pause or on the next at once;
/// from then on a failure ends it. Whatever ends it, its places are given back and its circuit has heard of it once.
/// </summary>
internal sealed class ProviderCall(
    ProviderRequest request,
    IReadOnlyList<ProviderRoute> routes,
    ProviderRouteOptions knobs,
    OpenRouterClient client,
    IRouteGuards guards,
    TimeProvider time,
    ILogger logger,
    CancellationToken caller) : IAsyncDisposable
{
    /// <summary>A longer <c>Retry-After</c> is not waited for: the next route may answer sooner.</summary>
    private static readonly TimeSpan RetryBudget = TimeSpan.FromSeconds(2);

    private readonly long _totalBy = time.GetTimestamp() + (long)(knobs.TotalTimeoutMs / 1000.0 * time.TimestampFrequency);
    private int _route;
    private int _retries;
    private RouteAttempt? _attempt;
    private CircuitPermit? _permit;
    private IAsyncDisposable? _place;
    private bool _asked;
    private bool _spoke;
    private bool _finished;

    public string? ResponseId => _attempt?.ResponseId;

    /// <summary>System prompts of the last attempt.</summary>
    public IReadOnlyList<string> Prompts { get; private set; } = [];

    /// <summary>Tools of the last attempt.</summary>
    public IReadOnlyList<ToolDeclaration> Offered { get; private set; } = [];

    private ProviderRoute Route => routes[_route];

    /// <summary>Adds the next events, at least one.</summary>
    /// <returns>False when the call is over.</returns>
    /// <exception cref="ProviderException">The call failed for good.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> NextAsync(List<ProviderEvent> events)
    {
        while (!_finished)
        {
            caller.ThrowIfCancellationRequested();
            try
            {
                await AdvanceAsync(events);
            }
            catch (ProviderException failure)
            {
                await FailAsync(failure);
                if (!await MayTryAgainAsync(failure))
                {
                    _finished = true;
                    failure.Asked = _asked;
                    throw;
                }
            }

            if (events.Count > 0)
            {
                return true;
            }
        }

        return false;
    }

    public async ValueTask DisposeAsync()
    {
        _finished = true;
        try
        {
            await CloseAttemptAsync();
        }
        finally
        {
            // A caller who left while the answer came says nothing against the route, and left before it nothing at all.
            if (_spoke)
            {
                Served();
            }

            _permit?.Dispose();
            await LeavePlaceAsync();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AdvanceAsync(List<ProviderEvent> events)
    {
        if (_attempt is null)
        {
            await OpenAsync();
            events.Add(new ProviderEvent.RouteChosen(ProviderFaults.ProviderId, Route.Id, Route.ModelClass, Route.Model));
            return;
        }

        if (!await _attempt.ReadAsync(events))
        {
            _finished = true;
            return;
        }

        if (events.Count == 0)
        {
            return;
        }

        // A probe keeps all others waiting: its first word is proof enough. Otherwise an answer counts when it is whole.
        _finished = events[^1] is ProviderEvent.Finished;
        _spoke = true;
        if (_finished || _permit is { IsProbe: true })
        {
            Served();
        }
    }

    /// <summary>The circuit counts the operator's models alone. A caller's own choice proves the key and nothing else, whatever becomes of it.</summary>
    private void Served()
    {
        if (Route.IsConfigured)
        {
            _permit?.Succeeded();
        }
        else
        {
            _permit?.KeyAccepted();
        }
    }

    private void NotServed(ProviderException failure)
    {
        switch (failure.Verdict)
        {
            case CircuitVerdict.Failure when Route.IsConfigured:
                _permit?.Failed(failure.Error.Status is { } status ? $"{failure.Error.Code} ({status})" : failure.Error.Code);
                break;
            case CircuitVerdict.KeyRefused:
                _permit?.AccountRefused(Suspension.Key, Route.IsConfigured);
                break;
            case CircuitVerdict.QuotaRefused:
                _permit?.AccountRefused(Suspension.Quota, Route.IsConfigured);
                break;
            default:
                // Disposed without a word it is neutral.
                break;
        }
    }

    private async ValueTask OpenAsync()
    {
        var route = Route;
        if (_place is null && !(request.PrimaryHeld && route.Id == ProviderRoute.Primary))
        {
            _place = await guards.HoldAsync(route, request.StreamId, caller);
        }

        _permit = await guards.EnterAsync(route, caller);
        _attempt = await RouteAttempt.OpenAsync(
            route, TimeSpan.FromMilliseconds(knobs.IdleTimeoutMs), _totalBy, token => SendAsync(route, token), body => Reader(route, body), time, caller);
    }

    private async Task<HttpResponseMessage> SendAsync(ProviderRoute route, CancellationToken cancellationToken)
    {
        var tools = request.WebSearch ? request.Tools : [.. request.Tools.Where(tool => tool.Name != ToolNames.SearchWeb)];
        var prompts = request.WithPrompts ? SystemPrompts.For(route.Capability, request.ToolsAllowed ? tools : []) : [];
        (Prompts, Offered) = (prompts, tools);
        var asked = request with { Tools = tools, MaxOutputTokens = route.MaxOutputTokens };
        using var body = ChatRequestBody.Write(asked, route.Model, route.Capability.NativeTools, prompts);
        return await client.ChatAsync(route, body, cancellationToken);
    }

    private OpenRouterReader Reader(ProviderRoute route, Stream body)
    {
        var syntax = route.Capability.NativeTools ? MarkupSyntax.Native : MarkupSyntax.Fallback;
        return new OpenRouterReader(body, new TextMarkup(syntax, request.WebSearch, request.ToolsAllowed, time), new ProviderFaults(route.Id), time);
    }

    private async ValueTask FailAsync(ProviderException failure)
    {
        logger.AttemptFailed(request.StreamId, Route.Id, failure.Error.Code, failure.Error.Status, _retries);
        await CloseAttemptAsync();
        _asked |= !failure.Refused;
        NotServed(failure);
        _permit?.Dispose();
        _permit = null;
    }

    private async ValueTask<bool> MayTryAgainAsync(ProviderException failure)
    {
        caller.ThrowIfCancellationRequested();
        var elsewhere = _route + 1 < routes.Count && !routes[_route + 1].SharesAccountWith(Route);
        if (_spoke || time.GetTimestamp() >= _totalBy || !(failure.Error.Retryable || (failure.Verdict == CircuitVerdict.KeyRefused && elsewhere)))
        {
            return false;
        }

        if (failure.Error.Retryable && !failure.Refused && _retries < Route.Retries && Pause(failure.Error) is var pause && pause <= RetryBudget)
        {
            logger.TriedAgain(request.StreamId, Route.Id, (int)pause.TotalMilliseconds);
            await Task.Delay(pause, time, caller);
            _retries++;
            return true;
        }

        await LeavePlaceAsync();
        if (_route + 1 >= routes.Count || (failure.Suspended && !elsewhere))
        {
            return false;
        }

        _route++;
        _retries = 0;
        logger.FailedOver(request.StreamId, Route.Id, failure.Error.Code);
        return true;
    }

    /// <summary>100 ms and 150 more for every attempt, up to a quarter longer so that many callers do not come back together; never less than the provider asked for.</summary>
    private TimeSpan Pause(ProviderError error)
    {
        var ours = (100 + (150 * _retries)) * (1 + (Random.Shared.NextDouble() / 4));
        return TimeSpan.FromMilliseconds(Math.Max(ours, error.Status is null ? 0 : error.RetryAfterMs ?? 0));
    }

    private async ValueTask CloseAttemptAsync()
    {
        if (_attempt is { } attempt)
        {
            _attempt = null;
            await attempt.DisposeAsync();
        }
    }

    private async ValueTask LeavePlaceAsync()
    {
        if (_place is { } place)
        {
            _place = null;
            await place.DisposeAsync();
        }
    }
}
