using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Sendcat.ApiService.Chat.Engine;

/// <summary>Stream ids as clients see them: <c>STREAM:</c> and a UUID.</summary>
internal static class StreamIds
{
    private const string Prefix = "STREAM:";

    /// <summary>Bytes at the end of an id that are derived from the idempotency key of the request.</summary>
    private const int KeyBytes = 8;

    /// <summary>
    /// Characters at the end of the text of an id that are derived from the key: <see cref="KeyBytes"/> in hexadecimal, and a hyphen.
    /// </summary>
    private const int KeyCharacters = 17;

    /// <summary>
    /// The id of a new turn: a version 7 UUID of the time. With an idempotency key its end is derived from the key, so that every replica,
    /// Redis and Postgres recognize the turn of a repeated request in the same thread.
    /// </summary>
    /// <param name="key">The key; null: the end is random.</param>
    public static Guid New(DateTimeOffset now, string? key)
    {
        var random = Guid.CreateVersion7(now);
        if (key is null)
        {
            return random;
        }

        Span<byte> id = stackalloc byte[16];
        random.TryWriteBytes(id, bigEndian: true, out _);
        EndOf(key).CopyTo(id[^KeyBytes..]);
        return new Guid(id, bigEndian: true);
    }

    /// <summary>The last 17 characters of the ids of turns whose requests had the key.</summary>
    public static string EndOfIds(string key) => New(DateTimeOffset.UnixEpoch, key).ToString()[^KeyCharacters..];

    /// <summary>True if the request of the turn had the key.</summary>
    public static bool HasKey(Guid id, string key) => id.ToString().EndsWith(EndOfIds(key), StringComparison.Ordinal);

    private static byte[] EndOf(string key)
    {
        var end = SHA256.HashData(Encoding.UTF8.GetBytes(key))[..KeyBytes];
        // The variant of RFC 9562.
        end[0] = (byte)((end[0] & 0x3F) | 0x80);
        return end;
    }

    public static string Format(Guid id) => Prefix + id;

    /// <summary>When the id was made, by the clock of its replica, in milliseconds since 1970: it is a UUID of version 7.</summary>
    public static long CreatedAt(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return BinaryPrimitives.ReadInt64BigEndian(bytes) >>> 16;
    }

    public static bool TryParse(string? text, out Guid id)
    {
        id = default;
        return text is not null && text.StartsWith(Prefix, StringComparison.Ordinal)
            && Guid.TryParseExact(text.AsSpan(Prefix.Length), "D", out id);
    }
}
