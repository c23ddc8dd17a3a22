namespace Sendcat.Integrations.Signing;

/// <summary>What a link in a mail permits, and for how long. Its name is what ASP.NET Core Identity calls the purpose.</summary>
/// <param name="Name">Part of the signature: a link for one purpose is not valid for another one.</param>
/// <param name="Lifetime">The link is valid for this time.</param>
public sealed record LinkPurpose(string Name, TimeSpan Lifetime)
{
    /// <summary>Sets a new password.</summary>
    public static readonly LinkPurpose ResetPassword = new("ResetPassword", TimeSpan.FromHours(1));

    /// <summary>Confirms the address of an account.</summary>
    public static readonly LinkPurpose ConfirmEmail = new("EmailConfirmation", TimeSpan.FromDays(7));

    private const string ChangeEmailPrefix = "ChangeEmail:";

    /// <summary>Gives an account this address.</summary>
    public static LinkPurpose ChangeEmail(string newEmail) => new($"{ChangeEmailPrefix}{newEmail}", TimeSpan.FromHours(1));

    /// <exception cref="ArgumentOutOfRangeException">No link has this purpose.</exception>
    public static LinkPurpose Named(string name) =>
        name == ResetPassword.Name ? ResetPassword
        : name == ConfirmEmail.Name ? ConfirmEmail
        : name.StartsWith(ChangeEmailPrefix, StringComparison.Ordinal) ? ChangeEmail(name[ChangeEmailPrefix.Length..])
        : throw new ArgumentOutOfRangeException(nameof(name), name, "Unknown link purpose.");
}
