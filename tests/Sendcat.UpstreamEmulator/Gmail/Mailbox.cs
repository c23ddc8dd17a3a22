using System.Globalization;
using System.Text;

namespace Sendcat.UpstreamEmulator.Gmail;

/// <summary>An emulated mailbox: its messages, the history of their arrival, and its watch. All members are thread-safe.</summary>
internal sealed class Mailbox(string account)
{
    private const int MaxMessages = 50_000;

    private readonly Lock _lock = new();
    private readonly List<MailboxMessage> _messages = [];
    private readonly Dictionary<string, MailboxMessage> _byId = new(StringComparer.Ordinal);
    private readonly List<HistoryRecord> _history = [];
    private ulong _historyId = 1_000;
    private ulong _floor = 1_000;
    private long _nextId = 0x19a0_0000_0000_0000;

    public string Account => account;

    public MailboxWatch? Watch { get; private set; }

    public ulong HistoryId
    {
        get
        {
            lock (_lock)
            {
                return _historyId;
            }
        }
    }

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _messages.Count;
            }
        }
    }

    /// <summary>Adds a message, the newest one.</summary>
    public MailboxMessage Deliver(byte[] raw, DateTimeOffset at, IReadOnlyList<string> labels)
    {
        lock (_lock)
        {
            _historyId += 1 + (ulong)(_historyId % 7);
            var id = Interlocked.Increment(ref _nextId).ToString("x16", CultureInfo.InvariantCulture);
            var message = new MailboxMessage(id, raw, at, labels, _historyId);
            _messages.Add(message);
            _byId[id] = message;
            _history.Add(new(_historyId, message));
            if (_messages.Count > MaxMessages)
            {
                _byId.Remove(_messages[0].Id);
                _messages.RemoveAt(0);
            }

            return message;
        }
    }

    /// <summary>Moves a message into the inbox, for instance from spam.</summary>
    public void Restore(string id)
    {
        lock (_lock)
        {
            _historyId++;
            var restored = _byId[id] with { Labels = ["INBOX"], HistoryId = _historyId };
            _messages[_messages.IndexOf(_byId[id])] = restored;
            _byId[id] = restored;
            _history.Add(new(_historyId, restored) { IsRestored = true });
        }
    }

    public MailboxMessage? Find(string id)
    {
        lock (_lock)
        {
            return _byId.GetValueOrDefault(id);
        }
    }

    /// <summary>Deletes a message; its history stays, so that it is listed and not found.</summary>
    public bool Delete(string id)
    {
        lock (_lock)
        {
            return _byId.Remove(id, out var message) && _messages.Remove(message);
        }
    }

    /// <returns>The messages, the newest first.</returns>
    public IReadOnlyList<MailboxMessage> Messages()
    {
        lock (_lock)
        {
            return [.. Enumerable.Reverse(_messages)];
        }
    }

    /// <returns>The records after this id in order; null: the history does not go back so far.</returns>
    public IReadOnlyList<HistoryRecord>? HistorySince(ulong id)
    {
        lock (_lock)
        {
            return id < _floor || id > _historyId ? null : [.. _history.Where(record => record.Id > id)];
        }
    }

    /// <summary>Forgets the history up to now, as Gmail does after a week or more.</summary>
    public void ForgetHistory()
    {
        lock (_lock)
        {
            _history.Clear();
            _historyId++;
            _floor = _historyId;
        }
    }

    public void StartWatch(MailboxWatch watch) => Watch = watch;

    public void StopWatch() => Watch = null;
}

/// <param name="Id">Sixteen hexadecimal digits.</param>
/// <param name="Raw">The mail (RFC 5322).</param>
internal sealed record MailboxMessage(string Id, byte[] Raw, DateTimeOffset At, IReadOnlyList<string> Labels, ulong HistoryId)
{
    private string? _text;

    /// <summary>The decoded text for searches: header lines and body as they stand.</summary>
    public string Text => _text ??= Encoding.UTF8.GetString(Raw);

    /// <summary>The value of a header, unfolded; empty without it.</summary>
    public string Header(string name)
    {
        var end = Text.IndexOf("\r\n\r\n", StringComparison.Ordinal) is >= 0 and var crlf
            ? crlf
            : Text.IndexOf("\n\n", StringComparison.Ordinal);
        var lines = (end < 0 ? Text : Text[..end]).ReplaceLineEndings("\n").Replace("\n ", " ", StringComparison.Ordinal)
            .Replace("\n\t", " ", StringComparison.Ordinal).Split('\n');
        return lines.FirstOrDefault(line => line.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase)) is { } found
            ? found[(name.Length + 1)..].Trim()
            : "";
    }
}

/// <summary>The arrival of a message, or its move into the inbox.</summary>
internal sealed record HistoryRecord(ulong Id, MailboxMessage Message)
{
    public bool IsRestored { get; init; }
}

/// <param name="Topic">The Pub/Sub topic that gets notifications.</param>
/// <param name="Until">When the watch ends.</param>
internal sealed record MailboxWatch(string Topic, DateTimeOffset Until);
