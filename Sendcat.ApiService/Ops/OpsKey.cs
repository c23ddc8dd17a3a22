using System.Security.Cryptography;
using System.Text;

namespace Sendcat.ApiService.Ops;

/// <summary>The operator key, <c>OPS_API_KEY</c>. Without one nobody is an operator.</summary>
internal sealed class OpsKey(IConfiguration configuration)
{
    private const string Scheme = "Bearer ";

    private readonly byte[] key = Encoding.UTF8.GetBytes(configuration["OPS_API_KEY"] ?? "");

    public bool Opens(HttpContext http) =>
        key.Length > 0
        && http.Request.Headers.Authorization is [{ } presented]
        && presented.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(SHA256.HashData(key), SHA256.HashData(Encoding.UTF8.GetBytes(presented[Scheme.Length..].Trim())));
}
