using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;

namespace Sendcat.UpstreamEmulator.WhatsApp;

/// <summary>The files of delivered messages, in memory, and their addresses, which expire.</summary>
internal sealed class MediaFiles(TimeProvider clock)
{
    /// <summary>The life of an address at Meta.</summary>
    private const int DefaultLifeMs = 300_000;

    private readonly ConcurrentDictionary<string, MediaFile> _files = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (string Id, DateTimeOffset Until)> _addresses = new(StringComparer.Ordinal);

    public MediaFile Add(byte[] bytes, string mediaType)
    {
        var id = string.Create(
            CultureInfo.InvariantCulture,
            $"{RandomNumberGenerator.GetInt32(100_000_000, 999_999_999)}{RandomNumberGenerator.GetInt32(1_000_000, 9_999_999)}");
        return _files[id] = new(id, mediaType, bytes, SHA256.HashData(bytes));
    }

    public MediaFile? Find(string id) => _files.GetValueOrDefault(id);

    /// <summary>A new address of a file.</summary>
    /// <returns>What names the file in the address.</returns>
    public string NewAddress(string id, int? lifeMs)
    {
        var name = RandomNumberGenerator.GetHexString(32, lowercase: true);
        _addresses[name] = (id, clock.GetUtcNow().AddMilliseconds(lifeMs ?? DefaultLifeMs));
        return name;
    }

    /// <returns>Null: there is no such address, or it has expired.</returns>
    public MediaFile? At(string address) =>
        _addresses.TryGetValue(address, out var known) && clock.GetUtcNow() < known.Until ? Find(known.Id) : null;

    /// <summary>All addresses expire now.</summary>
    public void ExpireAddresses() => _addresses.Clear();
}

internal sealed record MediaFile(string Id, string MediaType, byte[] Bytes, byte[] Sha256);
