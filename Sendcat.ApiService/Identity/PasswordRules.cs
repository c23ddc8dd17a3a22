namespace Sendcat.ApiService.Identity;

/// <summary>What a password must be, wherever one is chosen.</summary>
internal static class PasswordRules
{
    public const int Shortest = 8;

    /// <summary>Longer ones only keep the hash function busy.</summary>
    public const int Longest = 256;

    public static bool Permit(string? password) => password is { Length: >= Shortest and <= Longest } && password.Any(char.IsAsciiDigit);

    public static string Problem(string field) => $"{field} must have {Shortest} to {Longest} characters, a digit among them";
}
