using System.Collections.Concurrent;

namespace Sendcat.UpstreamEmulator.Gmail;

/// <summary>The emulated mailboxes, one per address. Each begins empty when it is first used.</summary>
internal sealed class Mailboxes
{
    private readonly ConcurrentDictionary<string, Mailbox> _boxes = new(StringComparer.Ordinal);

    public IReadOnlyCollection<Mailbox> All => [.. _boxes.Values.OrderBy(box => box.Account, StringComparer.Ordinal)];

    /// <summary>The ids of messages whose requests fail.</summary>
    public ConcurrentDictionary<string, byte> Failing { get; } = new(StringComparer.Ordinal);

    public Mailbox Of(string account) => _boxes.GetOrAdd(account.Trim().ToLowerInvariant(), address => new(address));
}
