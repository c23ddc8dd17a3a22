namespace Sendcat.UpstreamEmulator.Rest;

/// <summary>Checks API keys. A key is valid unless it is empty, contains white space, or begins with <c>bad</c>.</summary>
internal static class ApiKey
{
    public static bool IsValid(string? key) =>
        key is { Length: > 0 } && !key.Any(char.IsWhiteSpace) && !key.StartsWith("bad", StringComparison.OrdinalIgnoreCase);
}
