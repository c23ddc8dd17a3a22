using System.Security.Cryptography;
using System.Text;

namespace Sendcat.Reliability.Events;

/// <summary>
/// Replaces anonymous session ids by a short hash in logs and tables, because a session id gives access to its threads. User ids and
/// addresses are unchanged.
/// </summary>
public static class PrincipalMask
{
    private const string Session = "session:";

    /// <summary>The masked key; a key without a session id is truncated to 200 characters.</summary>
    /// <param name="key">A principal, or a key that ends with one, for instance <c>chat_stream:session:…</c>.</param>
    public static string Of(string key)
    {
        var at = key.IndexOf(Session, StringComparison.Ordinal);
        if (at < 0)
        {
            return key.Length <= 200 ? key : key[..200];
        }

        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(key[(at + Session.Length)..]));
        return $"{key[..(at + Session.Length)]}#{Convert.ToHexStringLower(hash.AsSpan(0, 8))}";
    }
}
