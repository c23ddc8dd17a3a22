using System.Security.Cryptography;
using System.Text;
using Sendcat.Integrations.Signing;

namespace Sendcat.ApiService.Identity.SignIns;

/// <summary>
/// Keyed hashes that replace mail and network addresses in Redis keys, events and tables that only compare addresses. They are keyed
/// because addresses are easy to guess.
/// </summary>
internal sealed class AddressDigests(SigningKey key)
{
    private const int Bytes = 16;

    private readonly byte[] _key = key.Derive("address-digest");

    /// <summary>The digest of a mail address; upper and lower case give the same digest.</summary>
    public string OfMail(string email) => Of($"mail\n{email.ToUpperInvariant()}");

    /// <summary>The digest of a network address in the form of <c>ClientAddress.KeyOf</c>.</summary>
    public string OfClient(string address) => Of($"client\n{address}");

    private string Of(string text) => Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text)).AsSpan(0, Bytes));
}
