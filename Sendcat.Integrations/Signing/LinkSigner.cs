using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Sendcat.Integrations.Signing;

/// <summary>
/// Makes and checks the token of a link in a mail: <c>userId.expiry.signature</c>. The signature covers the purpose and the user's security
/// stamp. A new password changes the stamp, so a reset link works once. The same request always gives the same token, so that a mail can be
/// sent again unchanged and no token needs to be stored.
/// </summary>
public sealed class LinkSigner(SigningKey key)
{
    private readonly byte[] _key = key.Derive("password-reset");

    /// <param name="purpose">What the link permits.</param>
    /// <param name="userId">The account.</param>
    /// <param name="stamp">The present security stamp of the account.</param>
    /// <param name="requestedAt">The lifetime of the link starts here.</param>
    public string Sign(LinkPurpose purpose, string userId, string stamp, DateTimeOffset requestedAt)
    {
        var expiry = (requestedAt + purpose.Lifetime).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return $"{userId}.{expiry}.{Signature(purpose, userId, expiry, stamp)}";
    }

    /// <summary>Whether the token was made for this purpose and account, with this stamp, and has not expired.</summary>
    public bool Verify(string token, LinkPurpose purpose, string userId, string stamp, DateTimeOffset now) =>
        token.Split('.') is [var owner, var expiry, var signature]
        && string.Equals(owner, userId, StringComparison.Ordinal)
        && CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(signature), Encoding.UTF8.GetBytes(Signature(purpose, owner, expiry, stamp)))
        && long.TryParse(expiry, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
        && now.ToUnixTimeSeconds() < seconds;

    private string Signature(LinkPurpose purpose, string userId, string expiry, string stamp) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"{purpose.Name}\n{userId}\n{expiry}\n{stamp}")));
}
