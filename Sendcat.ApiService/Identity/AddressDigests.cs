using System.Security.Cryptography;
using System.Text;

namespace Sendcat.ApiService.Identity;

/// <summary>Stands in for mail and network addresses in Redis keys, events and tables that only need to recognise one. Keyed, because addresses are easily guessed.</summary>
internal sealed class AddressDigests(SigningKey key)
{
    private const int Bytes = 16;

    private readonly byte[] _key = key.Derive("address-digest");

    /// <summary>Of a mail address, in whichever case it was written.</summary>
    public string OfMail(string email) => Of($"mail\n{email.ToUpperInvariant()}");

    /// <summary>Of a network address, as <c>ClientAddress.KeyOf</c> names it.</summary>
    public string OfClient(string address) => Of($"client\n{address}");

    private string Of(string text) => Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text)).AsSpan(0, Bytes));
}
