using System.Security.Cryptography;
using System.Threading.Channels;

namespace Sendcat.UpstreamEmulator.Resend;

/// <summary>
/// The accepted mails and their idempotency keys, in memory. The last 1 000 mails are stored; a key is valid for 24 hours.
/// </summary>
internal sealed class MailBox(TimeProvider clock)
{
    private const int MaxMails = 1_000;

    private static readonly TimeSpan KeyLifetime = TimeSpan.FromHours(24);

    private readonly Lock _lock = new();
    private readonly List<ReceivedMail> _mails = [];
    private readonly Dictionary<(string ApiKey, string Key), (string MailId, byte[] BodyHash, DateTimeOffset At)> _keys = [];
    private readonly HashSet<(string ApiKey, string Key)> _active = [];
    private readonly Channel<ReceivedMail> _accepted = Channel.CreateBounded<ReceivedMail>(
        new BoundedChannelOptions(MaxMails) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Each accepted mail once, in order; for a test that waits for mails.</summary>
    public ChannelReader<ReceivedMail> Accepted => _accepted.Reader;

    /// <summary>The stored mails, the newest first.</summary>
    public IReadOnlyList<ReceivedMail> Mails
    {
        get
        {
            lock (_lock)
            {
                return [.. Enumerable.Reverse(_mails)];
            }
        }
    }

    public ReceivedMail? Find(string id) => Mails.FirstOrDefault(mail => mail.Id == id);

    public void Clear()
    {
        lock (_lock)
        {
            _mails.Clear();
            _keys.Clear();
        }
    }

    /// <summary>Marks the key as used by a request that is being answered.</summary>
    /// <returns>False: another request with this key is being answered.</returns>
    public bool TryBegin(string apiKey, string key)
    {
        lock (_lock)
        {
            return _active.Add((apiKey, key));
        }
    }

    public void End(string apiKey, string key)
    {
        lock (_lock)
        {
            _active.Remove((apiKey, key));
        }
    }

    /// <summary>Stores the mail, unless its key was used before.</summary>
    /// <param name="body">The body of the request, which a second request with the same key must repeat.</param>
    /// <returns>The id of the mail; null: the key was used with another body.</returns>
    public string? Accept(ReceivedMail mail, string apiKey, byte[] body)
    {
        var (now, hash) = (clock.GetUtcNow(), SHA256.HashData(body));
        lock (_lock)
        {
            if (mail.IdempotencyKey is { } key)
            {
                if (_keys.TryGetValue((apiKey, key), out var used) && now - used.At < KeyLifetime)
                {
                    return used.BodyHash.AsSpan().SequenceEqual(hash) ? used.MailId : null;
                }

                _keys[(apiKey, key)] = (mail.Id, hash, now);
            }

            _mails.Add(mail);
            if (_mails.Count > MaxMails)
            {
                _mails.RemoveAt(0);
            }
        }

        _accepted.Writer.TryWrite(mail);
        return mail.Id;
    }
}
