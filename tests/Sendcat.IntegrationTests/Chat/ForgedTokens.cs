using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Bearer tokens that the API did not issue: expired, or with another key, algorithm or issuer.</summary>
internal static class ForgedTokens
{
    public static string Create(
        DateTimeOffset expires, string key = SendcatSystem.SigningKey, string algorithm = "HS256", string issuer = "sendcat")
    {
        var signed = $"{Part($$"""{"alg":"{{algorithm}}","typ":"JWT"}""")}.{Part($$"""{"iss":"{{issuer}}","sub":"{{Guid.NewGuid()}}","iat":1,"exp":{{expires.ToUnixTimeSeconds()}}}""")}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.ASCII.GetBytes(signed)))}";
    }

    private static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
