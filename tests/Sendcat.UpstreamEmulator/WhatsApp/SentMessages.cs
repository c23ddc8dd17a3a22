using System.Threading.Channels;

namespace Sendcat.UpstreamEmulator.WhatsApp;

/// <summary>The messages that were sent through the emulated Graph API, in memory; the last 1 000.</summary>
internal sealed class SentMessages
{
    private const int MaxMessages = 10_000;

    private readonly Lock _lock = new();
    private readonly List<SentMessage> _messages = [];
    private readonly Channel<SentMessage> _accepted = Channel.CreateBounded<SentMessage>(
        new BoundedChannelOptions(MaxMessages) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Each message once, in order; for a test that waits for one.</summary>
    public ChannelReader<SentMessage> Accepted => _accepted.Reader;

    /// <summary>The newest first.</summary>
    public IReadOnlyList<SentMessage> All
    {
        get
        {
            lock (_lock)
            {
                return [.. Enumerable.Reverse(_messages)];
            }
        }
    }

    public void Add(SentMessage message)
    {
        lock (_lock)
        {
            _messages.Add(message);
            if (_messages.Count > MaxMessages)
            {
                _messages.RemoveAt(0);
            }
        }

        _accepted.Writer.TryWrite(message);
    }
}

/// <summary>A message that the emulated Graph API accepted.</summary>
/// <param name="Id">The id that the response contained.</param>
/// <param name="To">The phone number or business-scoped id of the recipient.</param>
/// <param name="ReplyTo">The message that it quotes; null without one.</param>
public sealed record SentMessage(string Id, DateTimeOffset At, string To, string Text, string? ReplyTo);
