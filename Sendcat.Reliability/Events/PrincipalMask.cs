using System.Security.Cryptography;
using System.Text;

namespace Sendcat.Reliability.Events;

/// <summary>An anonymous session id opens its threads to whoever knows it, so logs and tables show a short hash of it instead. User ids and addresses stay.</summary>
public static class PrincipalMask
{
    private const string Session = "session:";

    /// <param name="key">A principal, or a key that ends with one, such as <c>chat_stream:session:…</c>.</param>
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
