using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Sendcat.ApiService.Ops;

/// <summary>What the holder of a key may do on the operator surface.</summary>
internal enum OpsRole
{
    /// <summary>No key, or a wrong one.</summary>
    None,

    /// <summary>Reads.</summary>
    Viewer,

    /// <summary>Reads and changes.</summary>
    Operator,
}

/// <summary>
/// The operator key <c>OPS_API_KEY</c> and the viewer key <c>OPS_VIEWER_KEY</c>. When a key is not configured, no caller has its role.
/// Requests present keys in the Authorization header only.
/// </summary>
internal sealed class OpsKeys
{
    public const string OperatorSetting = "OPS_API_KEY";
    public const string ViewerSetting = "OPS_VIEWER_KEY";

    /// <summary>
    /// Characters. A random key of 24 letters and digits has 142 bits, so it cannot be guessed with any number of attempts.
    /// </summary>
    public const int Shortest = 24;

    private const string Scheme = "Bearer ";

    private readonly byte[]? _operatorKey;
    private readonly byte[]? _viewerKey;

    private OpsKeys(string? operatorKey, string? viewerKey) => (_operatorKey, _viewerKey) = (Hash(operatorKey), Hash(viewerKey));

    /// <exception cref="InvalidOperationException">A key is too short outside Development, or both are the same.</exception>
    public static OpsKeys Load(IConfiguration configuration, IHostEnvironment environment)
    {
        var (operators, viewers) = (Read(OperatorSetting), Read(ViewerSetting));
        return operators is null || operators != viewers
            ? new(operators, viewers)
            : throw new InvalidOperationException(
                $"{OperatorSetting} and {ViewerSetting} are the same key: viewers could change everything.");

        string? Read(string name)
        {
            if (configuration[name]?.Trim() is not { Length: > 0 } key)
            {
                return null;
            }

            return key.Length >= Shortest || environment.IsDevelopment()
                ? key
                : throw new InvalidOperationException(
                    $"{name} has {key.Length} characters and needs at least {Shortest}. Make one with: openssl rand -hex 24");
        }
    }

    /// <summary>The key of the Authorization header; null without one, and for several headers.</summary>
    public static string? Presented(StringValues authorization) =>
        authorization is [{ } header]
        && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && header.AsSpan(Scheme.Length).Trim() is { Length: > 0 } key ? key.ToString() : null;

    /// <summary>The role of a key. The time is the same for every key: both hashes are always compared, in constant time.</summary>
    public OpsRole RoleOf(string? presented)
    {
        if (presented is null)
        {
            return OpsRole.None;
        }

        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(presented));
        var isOperator = _operatorKey is not null & CryptographicOperations.FixedTimeEquals(_operatorKey ?? [], hash);
        var isViewer = _viewerKey is not null & CryptographicOperations.FixedTimeEquals(_viewerKey ?? [], hash);
        return isOperator ? OpsRole.Operator : isViewer ? OpsRole.Viewer : OpsRole.None;
    }

    private static byte[]? Hash(string? key) => key is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
