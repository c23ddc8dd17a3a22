using System.Security.Cryptography;
using System.Text;

namespace Sendcat.Reliability.Idempotency;

/// <summary>A kind of deliveries with keys of its own.</summary>
/// <param name="Name">The name in Postgres, metrics and reports, for example <c>whatsapp_message</c>.</param>
/// <param name="Lifetime">
/// The time from the first delivery of a key in which another one is a replay. At least as long as the sender redelivers; at least a
/// minute.
/// </param>
public sealed record InboxScope(string Name, TimeSpan Lifetime)
{
    private static readonly TimeSpan ShortestLifetime = TimeSpan.FromMinutes(1);

    public TimeSpan Lifetime { get; } = Lifetime >= ShortestLifetime ? Lifetime : ShortestLifetime;

    public override string ToString() => Name;

    /// <summary>
    /// The stored form of a key, 64 hexadecimal digits. Keys of senders may be long, and may contain addresses or phone numbers.
    /// </summary>
    public static string DigestOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
