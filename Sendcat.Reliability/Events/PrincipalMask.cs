using System.Security.Cryptography;
using System.Text;

namespace Sendcat.Reliability.Events;

/// <summary>
/// Replaces anonymous session ids by a short hash in logs and tables, because a session id gives access to its threads. User ids and
/// addresses are unchanged. Reports about callers hash the ids of users too.
/// </summary>
public static class PrincipalMask
{
    private const string Session = "session:";
    private const string User = "user:";
    private const string Hashed = "#";

    /// <summary>The masked key; a key without a session id is truncated to 200 characters.</summary>
    /// <param name="key">A principal, or a key that ends with one, for instance <c>chat_stream:session:…</c>.</param>
    public static string Of(string key)
    {
        var at = key.IndexOf(Session, StringComparison.Ordinal);
        if (at < 0)
        {
            return key.Length <= 200 ? key : key[..200];
        }

        return $"{key[..(at + Session.Length)]}{HashOf(key[(at + Session.Length)..])}";
    }

    /// <summary>
    /// The name of a caller in reports: <c>user:#</c> or <c>session:#</c> and 16 hexadecimal digits. What is hashed already, and an
    /// address, is unchanged.
    /// </summary>
    /// <param name="principal">A principal, masked or not, or an address.</param>
    public static string Caller(string principal)
    {
        foreach (var kind in new[] { User, Session })
        {
            if (principal.StartsWith(kind, StringComparison.Ordinal))
            {
                var id = principal[kind.Length..];
                return id.StartsWith(Hashed, StringComparison.Ordinal) ? principal : kind + HashOf(id);
            }
        }

        return principal;
    }

    private static string HashOf(string id) => Hashed + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)).AsSpan(0, 8));
}
