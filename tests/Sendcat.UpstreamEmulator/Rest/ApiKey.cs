namespace Sendcat.UpstreamEmulator.Rest;

/// <summary>Any key is good but an empty one, one with blanks in it, and those that begin with <c>bad</c>.</summary>
internal static class ApiKey
{
    public static bool IsGood(string? key) => key is { Length: > 0 } && !key.Any(char.IsWhiteSpace) && !key.StartsWith("bad", StringComparison.OrdinalIgnoreCase);
}
