using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Sendcat.ApiService.Ops;

/// <summary>What the bearer of a key may do on the operator surface.</summary>
internal enum OpsRole
{
    /// <summary>No key, or a wrong one.</summary>
    None,

    /// <summary>Reads.</summary>
    Viewer,

    /// <summary>Reads and changes.</summary>
    Operator,
}

/// <summary>The keys of operators, <c>OPS_API_KEY</c>, and of those who only look, <c>OPS_VIEWER_KEY</c>. Without a key nobody has its role. Keys are read from the Authorization header and from nowhere else.</summary>
internal sealed class OpsKeys
{
    public const string OperatorSetting = "OPS_API_KEY";
    public const string ViewerSetting = "OPS_VIEWER_KEY";

    /// <summary>A random key of letters and digits that long has 142 bits: guessing one is hopeless, however many wrong ones may be tried.</summary>
    public const int Shortest = 24;

    private const string Scheme = "Bearer ";

    private readonly byte[]? operatorKey;
    private readonly byte[]? viewerKey;

    private OpsKeys(string? operatorKey, string? viewerKey) => (this.operatorKey, this.viewerKey) = (Hash(operatorKey), Hash(viewerKey));

    /// <exception cref="InvalidOperationException">A key is too short outside Development, or both are the same.</exception>
    public static OpsKeys Load(IConfiguration configuration, IHostEnvironment environment)
    {
        var (operators, viewers) = (Read(OperatorSetting), Read(ViewerSetting));
        return operators is null || operators != viewers
            ? new(operators, viewers)
            : throw new InvalidOperationException($"{OperatorSetting} and {ViewerSetting} are the same key: who may look could change everything.");

        string? Read(string name)
        {
            if (configuration[name]?.Trim() is not { Length: > 0 } key)
            {
                return null;
            }

            return key.Length >= Shortest || environment.IsDevelopment()
                ? key
                : throw new InvalidOperationException($"{name} has {key.Length} characters and needs at least {Shortest}. Make one with: openssl rand -hex 24");
        }
    }

    /// <summary>The key that came along; null for none, and for several, of which none would be the right one to compare.</summary>
    public static string? Presented(StringValues authorization) =>
        authorization is [{ } given] && given.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && given.AsSpan(Scheme.Length).Trim() is { Length: > 0 } key ? key.ToString() : null;

    /// <summary>Takes the same time for every key: hashes are compared, always both.</summary>
    public OpsRole RoleOf(string? presented)
    {
        if (presented is null)
        {
            return OpsRole.None;
        }

        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(presented));
        var isOperator = operatorKey is not null & CryptographicOperations.FixedTimeEquals(operatorKey ?? [], hash);
        var isViewer = viewerKey is not null & CryptographicOperations.FixedTimeEquals(viewerKey ?? [], hash);
        return isOperator ? OpsRole.Operator : isViewer ? OpsRole.Viewer : OpsRole.None;
    }

    private static byte[]? Hash(string? key) => key is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
