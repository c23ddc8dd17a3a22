using System.Text.Json;
using System.Threading.Channels;

namespace Sendcat.UpstreamEmulator.Sentry;

/// <summary>The last 1 000 events that Sentry received, in memory.</summary>
internal sealed class SentryEnvelopes
{
    private const int MaxEvents = 1_000;

    private readonly Lock _lock = new();
    private readonly Queue<SentryEnvelopeEvent> _events = new();
    private readonly Channel<SentryEnvelopeEvent> _accepted = Channel.CreateBounded<SentryEnvelopeEvent>(
        new BoundedChannelOptions(MaxEvents) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Each event once, in order; for a test that waits for events.</summary>
    public ChannelReader<SentryEnvelopeEvent> Accepted => _accepted.Reader;

    /// <summary>The oldest first.</summary>
    public IReadOnlyList<SentryEnvelopeEvent> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _events];
            }
        }
    }

    public void Add(SentryEnvelopeEvent received)
    {
        lock (_lock)
        {
            _events.Enqueue(received);
            if (_events.Count > MaxEvents)
            {
                _events.Dequeue();
            }
        }

        _accepted.Writer.TryWrite(received);
    }

    public void Clear()
    {
        lock (_lock)
        {
            _events.Clear();
        }
    }
}

/// <summary>An event that Sentry received.</summary>
/// <param name="Project">The project of the address.</param>
/// <param name="PublicKey">The public key of the DSN.</param>
/// <param name="Event">The event as it was sent.</param>
public sealed record SentryEnvelopeEvent(string Project, string PublicKey, JsonElement Event);
