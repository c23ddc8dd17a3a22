using System.Runtime.CompilerServices;
using Sendcat.ApiService.Providers.Markup;
using Sendcat.ApiService.Providers.OpenRouter;
using Sendcat.ApiService.Providers.Prompts;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Circuits;

namespace Sendcat.ApiService.Providers;

/// <summary>
/// One model call over all its routes and attempts. Before the first token a failed attempt may be retried: on the same route after a
/// backoff, or on the next route immediately. After the first token a failure ends the call. In every case the bulkhead slots are released,
/// and the circuit gets exactly one result per attempt.
/// </summary>
internal sealed class ProviderCall(
    ProviderRequest request,
    IReadOnlyList<ProviderRoute> routes,
    ProviderRouteOptions knobs,
    OpenRouterClient client,
    RequestFiles files,
    IRouteGuards guards,
    TimeProvider time,
    CallFailures failures,
    CancellationToken caller) : IAsyncDisposable
{
    /// <summary>
    /// Maximum wait before a retry on the same route. A longer <c>Retry-After</c> goes to the next route, which may respond sooner.
    /// </summary>
    private static readonly TimeSpan RetryBudget = TimeSpan.FromSeconds(2);

    private readonly long _totalBy = time.GetTimestamp() + (long)(knobs.TotalTimeoutMs / 1000.0 * time.TimestampFrequency);
    private int _route;
    private int _retries;
    private RouteAttempt? _attempt;
    private CircuitPermit? _permit;
    private IAsyncDisposable? _slot;
    private IReadOnlyList<ProviderEvent.FileLeftOut> _leftOut = [];
    private bool _requestSent;
    private bool _receivedEvents;
    private bool _finished;

    public string? ResponseId => _attempt?.ResponseId;

    /// <summary>System prompts that the last attempt sent.</summary>
    public IReadOnlyList<string> Prompts { get; private set; } = [];

    /// <summary>Tools that the last attempt declared.</summary>
    public IReadOnlyList<ToolDeclaration> Offered { get; private set; } = [];

    private ProviderRoute Route => routes[_route];

    /// <summary>Waits for the next events and adds at least one of them, unless the call is over.</summary>
    /// <returns>False when the call is over.</returns>
    /// <exception cref="ProviderException">The call failed, and no retry or failover is possible.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
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
                if (!await PrepareRetryAsync(failure))
                {
                    _finished = true;
                    failure.RequestSent = _requestSent;
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
            // A caller that disconnects during the response counts as a success of the route. Before the first event it counts as neutral.
            if (_receivedEvents)
            {
                ReportSuccess();
            }

            _permit?.Dispose();
            await ReleaseSlotAsync();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AdvanceAsync(List<ProviderEvent> events)
    {
        if (_attempt is null)
        {
            await OpenAsync();
            events.Add(new ProviderEvent.RouteChosen(ProviderFaults.ProviderId, Route.Id, Route.ModelClass, Route.Model));
            events.AddRange(_leftOut);
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

        // While a probe runs, all other calls are refused, so the first event of a probe already counts as success. Other calls count when
        // complete.
        _finished = events[^1] is ProviderEvent.Finished;
        _receivedEvents = true;
        if (_finished || _permit is { IsProbe: true })
        {
            ReportSuccess();
        }
    }

    /// <summary>
    /// Reports a success to the circuit. The circuit counts only the models that the operator configured. A call of another model only
    /// proves that the provider accepts our key.
    /// </summary>
    private void ReportSuccess()
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

    private void ReportFailure(ProviderException failure)
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
                // A permit that is disposed without a result counts as neutral.
                break;
        }
    }

    private async ValueTask OpenAsync()
    {
        var route = Route;
        request.OnAttempt?.Invoke(new(route.Id, route.Model, null));
        if (_slot is null && request.HeldRoute != route.Id)
        {
            _slot = await guards.AcquireSlotAsync(route, request.StreamId, caller);
        }

        var sent = await files.SelectAsync(request.Messages, route.Capability, caller);
        _leftOut = sent.LeftOut;
        _permit = await guards.EnterAsync(route, caller);
        _attempt = await RouteAttempt.OpenAsync(
            route, TimeSpan.FromMilliseconds(knobs.FirstTokenMs), TimeSpan.FromMilliseconds(knobs.IdleTimeoutMs), _totalBy,
            token => SendAsync(route, sent.Messages, token), body => Reader(route, body),
            time, caller);
    }

    private async Task<HttpResponseMessage> SendAsync(
        ProviderRoute route, IReadOnlyList<ProviderMessage> messages, CancellationToken cancellationToken)
    {
        var tools = request.WebSearch ? request.Tools : [.. request.Tools.Where(tool => tool.Name != QueuedTool.SearchWeb.Name)];
        var prompts = request.WithPrompts ? SystemPrompts.For(route.Capability, request.ToolsAllowed ? tools : []) : [];
        (Prompts, Offered) = (prompts, tools);
        var outgoing = request with { Messages = messages, Tools = tools, MaxOutputTokens = route.MaxOutputTokens };
        using var body = ChatRequestBody.Write(outgoing, route.Model, route.Capability.NativeTools, prompts, files.OpenAsync);
        try
        {
            return await client.ChatAsync(route, body, cancellationToken);
        }
        catch (Exception failure) when (body.FileFailure is not null && !caller.IsCancellationRequested)
        {
            throw new ProviderFaults(route.Id).FileUnavailable(failure);
        }
    }

    private OpenRouterReader Reader(ProviderRoute route, Stream body)
    {
        var syntax = route.Capability.NativeTools ? MarkupSyntax.Native : MarkupSyntax.Fallback;
        var markup = new TextMarkup(syntax, request.WebSearch, request.ToolsAllowed, time);
        return new OpenRouterReader(body, markup, new ProviderFaults(route.Id), time);
    }

    private async ValueTask FailAsync(ProviderException failure)
    {
        failures.Failed(request.StreamId, Route.Id, failure, _retries);
        request.OnAttempt?.Invoke(new(Route.Id, Route.Model, failure));
        await CloseAttemptAsync();
        _requestSent |= failure.RefusedBy is null;
        ReportFailure(failure);
        _permit?.Dispose();
        _permit = null;
    }

    /// <summary>Waits for the backoff, or switches to the next route, if the call may be attempted again.</summary>
    /// <returns>False: the failure is final.</returns>
    private async ValueTask<bool> PrepareRetryAsync(ProviderException failure)
    {
        caller.ThrowIfCancellationRequested();
        var nextHasOtherAccount = _route + 1 < routes.Count && !routes[_route + 1].SharesAccountWith(Route);
        if (_receivedEvents || time.GetTimestamp() >= _totalBy
            || !(failure.Error.Retryable || (failure.Verdict == CircuitVerdict.KeyRefused && nextHasOtherAccount)))
        {
            return false;
        }

        if (failure.Error.Retryable && failure.RefusedBy is null && _retries < Route.Retries
            && Backoff(failure.Error) is var backoff && backoff <= RetryBudget)
        {
            failures.TriedAgain(request.StreamId, Route.Id, backoff);
            await Task.Delay(backoff, time, caller);
            _retries++;
            return true;
        }

        await ReleaseSlotAsync();
        if (_route + 1 >= routes.Count || (failure.RefusedBy is RouteRefusal.Suspended && !nextHasOtherAccount))
        {
            return false;
        }

        guards.FailedOver(Route, failure.Error.Code);
        _route++;
        _retries = 0;
        failures.FailedOver(request.StreamId, Route.Id, failure.Error.Code);
        return true;
    }

    /// <summary>
    /// Backoff: 100 ms plus 150 ms for every previous retry, plus a random jitter of up to 25 %. At least the provider's
    /// <c>Retry-After</c>.
    /// </summary>
    private TimeSpan Backoff(ProviderError error)
    {
        var backoffMs = (100 + (150 * _retries)) * (1 + (Random.Shared.NextDouble() / 4));
        return TimeSpan.FromMilliseconds(Math.Max(backoffMs, error.Status is null ? 0 : error.RetryAfterMs ?? 0));
    }

    private async ValueTask CloseAttemptAsync()
    {
        if (_attempt is { } attempt)
        {
            _attempt = null;
            await attempt.DisposeAsync();
        }
    }

    private async ValueTask ReleaseSlotAsync()
    {
        if (_slot is { } slot)
        {
            _slot = null;
            await slot.DisposeAsync();
        }
    }
}
