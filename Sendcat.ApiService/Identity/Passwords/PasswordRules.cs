namespace Sendcat.ApiService.Identity.Passwords;

/// <summary>The rules for new passwords.</summary>
internal static class PasswordRules
{
    /// <summary>Characters.</summary>
    public const int Shortest = 8;

    /// <summary>Characters. It bounds the cost of one hash.</summary>
    public const int Longest = 256;

    public static bool Permit(string? password) => password is { Length: >= Shortest and <= Longest } && password.Any(char.IsAsciiDigit);

    /// <summary>False for text that cannot be a password: checking it would only cost a hash.</summary>
    public static bool CanBeChecked(string? password) => password is { Length: >= 1 and <= Longest };

    public static string Problem(string field) => $"{field} must have {Shortest} to {Longest} characters, a digit among them";
}
