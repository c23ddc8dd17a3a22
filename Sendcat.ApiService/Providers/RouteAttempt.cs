using System.Runtime.CompilerServices;
using Sendcat.ApiService.Providers.OpenRouter;

namespace Sendcat.ApiService.Providers;

/// <summary>One request on one route, from its headers to the end of its answer. Closing it closes the connection at once, unless the answer was read to its end.</summary>
internal sealed class RouteAttempt : IAsyncDisposable
{
    /// <summary>How long the end of the stream is waited for behind <c>[DONE]</c>, so that the connection can serve again.</summary>
    private static readonly TimeSpan TailWithin = TimeSpan.FromMilliseconds(250);

    private readonly ProviderFaults _faults;
    private readonly HttpResponseMessage _response;
    private readonly OpenRouterReader _reader;
    private readonly StallWatch _watch;
    private readonly TimeProvider _time;
    private readonly CancellationTokenRegistration _abort;
    private readonly CancellationToken _caller;
    private int _state;

    private RouteAttempt(ProviderFaults faults, HttpResponseMessage response, OpenRouterReader reader, StallWatch watch, TimeProvider time, CancellationToken caller)
    {
        (_faults, _response, _reader, _watch, _time, _caller) = (faults, response, reader, watch, time, caller);

        // A read in flight has the token itself; between reads, while the reader of our events is busy, this tells the provider.
        _abort = watch.Token.UnsafeRegister(static attempt => ((RouteAttempt)attempt!).CloseUnlessReading(), this);
    }

    public string? ResponseId => _reader.ResponseId;

    /// <param name="send">Sends the request and comes back with the headers.</param>
    /// <param name="read">Makes the reader of the answer's body.</param>
    /// <param name="totalBy">Timestamp at which the whole call must have ended.</param>
    /// <exception cref="ProviderException">No headers in time, no connection, or a refusal.</exception>
    public static async Task<RouteAttempt> OpenAsync(
        ProviderRoute route,
        TimeSpan idle,
        long totalBy,
        Func<CancellationToken, Task<HttpResponseMessage>> send,
        Func<Stream, OpenRouterReader> read,
        TimeProvider time,
        CancellationToken caller)
    {
        var faults = new ProviderFaults(route.Id);
        var watch = new StallWatch(time, route.HeadersWithin, totalBy, caller);
        HttpResponseMessage? response = null;
        try
        {
            response = await send(watch.Token);
            var body = await response.Content.ReadAsStreamAsync(watch.Token);
            watch.Streaming(idle);
            return new RouteAttempt(faults, response, read(body), watch, time, caller);
        }
        catch (Exception e)
        {
            response?.Dispose();
            using (watch)
            {
                if (e is not ProviderException && Explain(e, faults, watch, caller) is { } failure)
                {
                    throw failure;
                }
            }

            throw;
        }
    }

    /// <summary>Adds what the next read brings; perhaps nothing.</summary>
    /// <returns>False when the answer is over.</returns>
    /// <exception cref="ProviderException">The answer failed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> ReadAsync(List<ProviderEvent> events)
    {
        if (Interlocked.CompareExchange(ref _state, State.Reading, State.Idle) == State.Idle)
        {
            try
            {
                var more = await _reader.ReadAsync(events, _watch.Token);
                Note();
                return more;
            }
            catch (Exception e) when (e is not ProviderException)
            {
                if (Explain(e, _faults, _watch, _caller) is not { } failure)
                {
                    throw;
                }

                _reader.Broken(failure, events);
                return true;
            }
            finally
            {
                Volatile.Write(ref _state, State.Idle);
                if (_watch.Token.IsCancellationRequested)
                {
                    CloseUnlessReading();
                }
            }
        }

        // The connection was closed between two reads. What the reader still has to say, it says without one.
        _caller.ThrowIfCancellationRequested();
        if (_reader.Ended)
        {
            return await _reader.ReadAsync(events, CancellationToken.None);
        }

        _reader.Broken(_faults.Timeout(), events);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        _abort.Unregister();
        if (_reader is { ReadToDone: true, AtEnd: false } && !_watch.Token.IsCancellationRequested)
        {
            await ReadTailAsync();
        }

        Volatile.Write(ref _state, State.Closed);
        _response.Dispose();
        _reader.Dispose();
        _watch.Dispose();
    }

    /// <summary>What an exception of the transport means; null if it is none. Cancellation by the caller stays what it is.</summary>
    private static ProviderException? Explain(Exception exception, ProviderFaults faults, StallWatch watch, CancellationToken caller)
    {
        caller.ThrowIfCancellationRequested();
        return watch.Expired ? faults.Timeout(exception)
            : exception is OperationCanceledException ? faults.Timeout(exception)
            : exception is HttpRequestException or IOException or ObjectDisposedException ? faults.Broken(exception)
            : null;
    }

    private void Note()
    {
        if (_reader is { HasFinishReason: true, WentOn: false })
        {
            _watch.Finishing();
        }
        else if (_reader.SawField)
        {
            _watch.Data();
        }
        else
        {
            _watch.Comment();
        }
    }

    private async ValueTask ReadTailAsync()
    {
        using var briefly = new CancellationTokenSource(TailWithin, _time);
        try
        {
            await _reader.ReadTailAsync(briefly.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or HttpRequestException or IOException or ObjectDisposedException)
        {
            // Then this connection is closed instead.
        }
    }

    private void CloseUnlessReading()
    {
        if (Interlocked.CompareExchange(ref _state, State.Closed, State.Idle) == State.Idle)
        {
            _response.Dispose();
        }
    }

    private static class State
    {
        public const int Idle = 0;
        public const int Reading = 1;
        public const int Closed = 2;
    }
}
