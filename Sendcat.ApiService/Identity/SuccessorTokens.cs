using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Sendcat.ApiService.Identity;

/// <summary>
/// Makes refresh tokens. Only their hashes are stored, yet a token that is used twice within moments must get the same successor: it is computed from the used token, with a key that is not in the
/// database. Whoever has read the database, or holds an old token, can compute nothing.
/// </summary>
internal sealed class SuccessorTokens(SigningKey key)
{
    private const string Prefix = "rt_";
    private const int TokenBytes = 32;

    private readonly byte[] _key = key.Derive("refresh-successor");

    public static string First() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));

    public string After(string token, Guid family) => Prefix + Base64Url.EncodeToString(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"{family:D}\n{token}")));
}
