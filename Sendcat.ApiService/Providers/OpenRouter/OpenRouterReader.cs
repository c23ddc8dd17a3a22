using System.Runtime.CompilerServices;
using System.Text.Json;
using Sendcat.ApiService.Providers.Markup;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// Reads one streamed response. The bytes of each network read are parsed immediately, without waiting for a fuller buffer. While no bytes
/// arrive, no buffer is held. The response ends at <c>[DONE]</c> or at the end of the stream, not at the finish reason, because the usage
/// comes after it.
/// </summary>
internal sealed class OpenRouterReader(Stream body, TextMarkup markup, ProviderFaults faults, TimeProvider time) : IDisposable
{
    private readonly SseBuffer _sse = new();
    private readonly ChunkParser _chunks = new(markup, time);
    private ProviderException? _failure;
    private bool _done;

    public string? ResponseId => _chunks.ResponseId;

    public string? Model => _chunks.Model;

    /// <summary>
    /// A finish reason has arrived and no content after it. The response counts as complete, even if the rest of the stream never arrives.
    /// </summary>
    public bool HasFinishReason => _chunks.FinishReasonIsLast;

    /// <inheritdoc cref="ChunkParser.FinishReasonMayBeEarly"/>
    public bool FinishReasonMayBeEarly => _chunks.FinishReasonMayBeEarly;

    /// <summary>No more bytes are read: the response is complete, or it has failed and the next read throws.</summary>
    public bool IsDone => _done || _failure is not null;

    /// <summary>The stream was read to its end, so the connection can be reused.</summary>
    public bool AtEnd { get; private set; }

    /// <summary>The response was read to its end or to <c>[DONE]</c>. Only the end of the stream may still follow.</summary>
    public bool ReadToDone => _done && !markup.FoundCalls;

    /// <summary>The last read returned more than comments and blank lines. The next read clears this flag.</summary>
    public bool SawField => _sse.SawField;

    /// <summary>
    /// Reads once from the network and adds the resulting events, which may be none. The last event of a successful response is
    /// <see cref="ProviderEvent.Finished"/>.
    /// </summary>
    /// <returns>False when the response is over.</returns>
    /// <exception cref="ProviderException">The response failed. All events before the failure have been added.</exception>
    /// <exception cref="IOException">The connection failed. The caller must call <see cref="OnConnectionFailed"/>.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> ReadAsync(List<ProviderEvent> events, CancellationToken cancellationToken)
    {
        if (_failure is not null)
        {
            throw _failure;
        }

        if (_done)
        {
            return false;
        }

        _sse.SawField = false;
        _sse.ReleaseIfEmpty();
#pragma warning disable CA2022, MA0060 // A zero-byte read waits for data, so that no buffer is held until data arrives.
        await body.ReadAsync(Memory<byte>.Empty, cancellationToken);
#pragma warning restore CA2022, MA0060
        var count = await body.ReadAsync(_sse.GetWriteMemory(), cancellationToken);
        if (count > 0)
        {
            _sse.Advance(count);
            Drain(events);
            _sse.ReleaseIfEmpty();
        }
        else
        {
            AtEnd = true;
            DrainRemainder(events);
        }

        return true;
    }

    /// <summary>
    /// The connection failed or timed out. After a finish reason the response counts as complete. Otherwise the next read throws
    /// <paramref name="failure"/>.
    /// </summary>
    public void OnConnectionFailed(ProviderException failure, List<ProviderEvent> events)
    {
        if (HasFinishReason && _chunks.Error is null)
        {
            End(events);
        }
        else
        {
            Fail(failure, events);
        }
    }

    /// <summary>Reads the stream from <c>[DONE]</c> to its end, so that closing it does not abort the connection.</summary>
    public async ValueTask ReadTailAsync(CancellationToken cancellationToken)
    {
        while (!AtEnd)
        {
            AtEnd = await body.ReadAsync(_sse.GetWriteMemory(), cancellationToken) == 0;
        }
    }

    public void Dispose() => _sse.Dispose();

    private void Drain(List<ProviderEvent> events)
    {
        while (!_done && _failure is null && _sse.TryRead(out var payload))
        {
            Take(payload, events);
        }

        if (_sse.Overflowed && _failure is null && !_done)
        {
            Fail(faults.Broken(), events);
        }
    }

    private void DrainRemainder(List<ProviderEvent> events)
    {
        if (_sse.TryReadRemainder(out var payload))
        {
            Take(payload, events);
        }

        if (_done || _failure is not null)
        {
            return;
        }

        if (HasFinishReason)
        {
            End(events);
        }
        else
        {
            Fail(faults.Broken(), events);
        }
    }

    private void Take(ReadOnlySpan<byte> payload, List<ProviderEvent> events)
    {
        if (payload.SequenceEqual(SseBuffer.Done))
        {
            End(events);
            return;
        }

        try
        {
            _chunks.Parse(payload, events);
        }
        catch (JsonException e)
        {
            Fail(faults.Broken(e), events);
            return;
        }

        if (_chunks.Error is { } error)
        {
            Fail(faults.InStream(error.Status, error.ErrorType), events);
        }
        else if (_chunks.Overflowed)
        {
            Fail(faults.Broken(), events);
        }
        else if (markup.FoundCalls)
        {
            _done = true;
            events.Add(new ProviderEvent.Finished("tool_calls", _chunks.Usage, _chunks.Model, _chunks.ReasoningDetailsJson()));
        }
    }

    /// <summary>
    /// The stream is over. It is a failure if the finish reason is missing or <c>error</c>, or if the reason is <c>tool_calls</c> without
    /// any tool call.
    /// </summary>
    private void End(List<ProviderEvent> events)
    {
        var reason = _chunks.FinishReason;
        if (reason is null or "error")
        {
            Fail(faults.Broken(), events);
            return;
        }

        markup.Complete(events);
        if (markup.FoundCalls)
        {
            reason = "tool_calls";
        }
        else if (!_chunks.CompleteToolCalls(events) && reason == "tool_calls")
        {
            Fail(faults.Broken(), events);
            return;
        }

        _done = true;
        events.Add(new ProviderEvent.Finished(reason, _chunks.Usage, _chunks.Model, _chunks.ReasoningDetailsJson()));
    }

    private void Fail(ProviderException failure, List<ProviderEvent> events)
    {
        markup.Abandon(events);
        _failure = new ProviderException(failure.Error, failure.InnerException) { Usage = _chunks.Usage, Verdict = failure.Verdict };
    }
}
