using System.Runtime.CompilerServices;
using System.Text.Json;
using Sendcat.ApiService.Providers.Markup;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// Reads one streamed answer. What a read from the network brought is parsed and handed on at once; nothing waits for a fuller buffer, and while nothing comes
/// no buffer is held. The answer is over at <c>[DONE]</c> or the end of the stream, not at the finish reason, because usage comes after it.
/// </summary>
internal sealed class OpenRouterReader(Stream body, TextMarkup markup, ProviderFaults faults, TimeProvider time) : IDisposable
{
    private readonly SseBuffer _sse = new();
    private readonly ChunkParser _chunks = new(markup, time);
    private ProviderException? _failure;
    private bool _done;

    public string? ResponseId => _chunks.ResponseId;

    public string? Model => _chunks.Model;

    /// <summary>A finish reason was seen: if the tail never comes, the answer is whole all the same.</summary>
    public bool HasFinishReason => _chunks.FinishReason is not null;

    /// <summary>After a finish reason it said more: what comes behind the next one is waited for like any other content.</summary>
    public bool WentOn => _chunks.WentOn;

    /// <summary>Nothing more is read: the answer is whole, or has failed and the next read says so.</summary>
    public bool Ended => _done || _failure is not null;

    /// <summary>The stream was read to its end, so that its connection can serve again.</summary>
    public bool AtEnd { get; private set; }

    /// <summary>The answer was read to its end or to <c>[DONE]</c>: what may still come is nothing but the end of the stream.</summary>
    public bool ReadToDone => _done && !markup.FoundCalls;

    /// <summary>The last read brought more than comments; cleared by the next.</summary>
    public bool SawField => _sse.SawField;

    /// <summary>Reads once from the network and adds what that made known; perhaps nothing. The last event added is <see cref="ProviderEvent.Finished"/>.</summary>
    /// <returns>False when nothing will come any more.</returns>
    /// <exception cref="ProviderException">The answer failed; all that was before the failure has been handed on.</exception>
    /// <exception cref="IOException">The connection failed; ask <see cref="Broken"/> what that means.</exception>
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
        _sse.Rest();
#pragma warning disable CA2022, MA0060 // Reads nothing: it waits for bytes, so that no buffer is held until there are some.
        await body.ReadAsync(Memory<byte>.Empty, cancellationToken);
#pragma warning restore CA2022, MA0060
        var count = await body.ReadAsync(_sse.Room(), cancellationToken);
        if (count > 0)
        {
            _sse.Advance(count);
            Drain(events);
            _sse.Rest();
        }
        else
        {
            AtEnd = true;
            DrainRest(events);
        }

        return true;
    }

    /// <summary>The connection broke or fell silent. Behind a finish reason that ends the answer well; otherwise <paramref name="failure"/> is thrown by the next read.</summary>
    public void Broken(ProviderException failure, List<ProviderEvent> events)
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

    /// <summary>After <c>[DONE]</c>: reads the end of the stream, so that closing it is no abort.</summary>
    public async ValueTask ReadTailAsync(CancellationToken cancellationToken)
    {
        while (!AtEnd)
        {
            AtEnd = await body.ReadAsync(_sse.Room(), cancellationToken) == 0;
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

    private void DrainRest(List<ProviderEvent> events)
    {
        if (_sse.TryReadRest(out var payload))
        {
            Take(payload, events);
        }

        if (!_done && _failure is null)
        {
            End(events);
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
            Fail(faults.InStream(error.Status, error.Word), events);
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

    /// <summary>Nothing more will come. Without a finish reason that is a failure; so is the reason <c>error</c>, and tool calls announced but not made.</summary>
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
