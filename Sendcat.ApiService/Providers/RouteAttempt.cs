using System.Runtime.CompilerServices;
using Sendcat.ApiService.Providers.OpenRouter;

namespace Sendcat.ApiService.Providers;

/// <summary>
/// One request on one route, from the headers to the end of the response. Disposing closes the connection immediately, unless the response
/// was read to its end.
/// </summary>
internal sealed class RouteAttempt : IAsyncDisposable
{
    /// <summary>Maximum wait for the end of the stream after <c>[DONE]</c>, so that the connection can be reused.</summary>
    private static readonly TimeSpan TailTimeout = TimeSpan.FromMilliseconds(250);

    private readonly ProviderFaults _faults;
    private readonly HttpResponseMessage _response;
    private readonly OpenRouterReader _reader;
    private readonly StallWatch _watch;
    private readonly TimeProvider _time;
    private readonly CancellationTokenRegistration _abort;
    private readonly CancellationToken _caller;
    private int _state;

    private RouteAttempt(
        ProviderFaults faults, HttpResponseMessage response, OpenRouterReader reader, StallWatch watch, TimeProvider time,
        CancellationToken caller)
    {
        (_faults, _response, _reader, _watch, _time, _caller) = (faults, response, reader, watch, time, caller);

        // A read in flight observes the token itself. Between two reads, while the consumer of our events is busy, this callback closes the
        // connection.
        _abort = watch.Token.UnsafeRegister(static attempt => ((RouteAttempt)attempt!).CloseUnlessReading(), this);
    }

    public string? ResponseId => _reader.ResponseId;

    /// <summary>Sends the request and waits for the response headers.</summary>
    /// <param name="firstToken">Maximum time from the headers to the first token.</param>
    /// <param name="idle">Maximum time between two bytes of the response after the first token.</param>
    /// <param name="totalBy">Timestamp of <paramref name="time"/> at which the whole call times out.</param>
    /// <param name="send">Sends the request and returns when the headers have arrived.</param>
    /// <param name="read">Creates the reader of the response body.</param>
    /// <exception cref="ProviderException">
    /// The headers did not arrive in time, the connection failed, or the status was not 2xx.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static async Task<RouteAttempt> OpenAsync(
        ProviderRoute route,
        TimeSpan firstToken,
        TimeSpan idle,
        long totalBy,
        Func<CancellationToken, Task<HttpResponseMessage>> send,
        Func<Stream, OpenRouterReader> read,
        TimeProvider time,
        CancellationToken caller)
    {
        var faults = new ProviderFaults(route.Id);
        var watch = new StallWatch(time, route.HeadersTimeout, totalBy, caller);
        HttpResponseMessage? response = null;
        try
        {
            response = await send(watch.Token);
            var body = await response.Content.ReadAsStreamAsync(watch.Token);
            watch.OnHeaders(firstToken, idle);
            return new RouteAttempt(faults, response, read(body), watch, time, caller);
        }
        catch (Exception e)
        {
            response?.Dispose();
            using (watch)
            {
                if (e is not ProviderException && ToProviderException(e, faults, watch, caller) is { } failure)
                {
                    throw failure;
                }
            }

            throw;
        }
    }

    /// <summary>Reads once and adds the resulting events, which may be none.</summary>
    /// <returns>False when the response is over.</returns>
    /// <exception cref="ProviderException">The response failed.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> ReadAsync(List<ProviderEvent> events)
    {
        if (Interlocked.CompareExchange(ref _state, State.Reading, State.Idle) == State.Idle)
        {
            try
            {
                var before = events.Count;
                var more = await _reader.ReadAsync(events, _watch.Token);
                UpdateWatch(hasToken: events.Count > before);
                return more;
            }
            catch (Exception e) when (e is not ProviderException)
            {
                if (ToProviderException(e, _faults, _watch, _caller) is not { } failure)
                {
                    throw;
                }

                _reader.OnConnectionFailed(failure, events);
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

        // The connection was closed between two reads. A reader that is done still returns its final result without a connection.
        _caller.ThrowIfCancellationRequested();
        if (_reader.IsDone)
        {
            return await _reader.ReadAsync(events, CancellationToken.None);
        }

        _reader.OnConnectionFailed(_faults.Timeout(), events);
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

    /// <summary>Maps an exception of the transport; null for any other exception.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    private static ProviderException? ToProviderException(
        Exception exception, ProviderFaults faults, StallWatch watch, CancellationToken caller)
    {
        caller.ThrowIfCancellationRequested();
        return watch.Expired ? faults.Timeout(exception)
            : exception is OperationCanceledException ? faults.Timeout(exception)
            : exception is HttpRequestException or IOException or ObjectDisposedException ? faults.Broken(exception)
            : null;
    }

    private void UpdateWatch(bool hasToken)
    {
        if (hasToken)
        {
            _watch.OnToken();
        }

        if (_reader is { HasFinishReason: true, FinishReasonMayBeEarly: false })
        {
            _watch.OnFinishReason();
        }
        else if (_reader.SawField)
        {
            _watch.OnData();
        }
        else
        {
            _watch.OnComment();
        }
    }

    private async ValueTask ReadTailAsync()
    {
        using var timeout = new CancellationTokenSource(TailTimeout, _time);
        try
        {
            await _reader.ReadTailAsync(timeout.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or HttpRequestException or IOException or ObjectDisposedException)
        {
            // The connection is closed instead of reused.
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
