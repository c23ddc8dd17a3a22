using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Sendcat.Integrations.Signing;

namespace Sendcat.ApiService.Identity.Tokens;

/// <summary>
/// Generates refresh tokens. A token that is used twice within seconds must get the same successor, although only hashes are stored. The
/// successor is therefore computed from the used token, with a key that is not in the database. A reader of the database, or the holder of
/// an old token, cannot compute it.
/// </summary>
internal sealed class SuccessorTokens(SigningKey key)
{
    private const string Prefix = "rt_";
    private const int TokenBytes = 32;

    private readonly byte[] _key = key.Derive("refresh-successor");

    public static string First() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));

    public string After(string token, Guid family) =>
        Prefix + Base64Url.EncodeToString(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"{family:D}\n{token}")));
}
