namespace Sendcat.Integrations.Google;

/// <summary>A Google account, as a valid ID token describes it.</summary>
/// <param name="Subject">The key of the account: it never changes and is never used again, unlike the address.</param>
/// <param name="Email">Its present address; null: not granted.</param>
/// <param name="EmailVerified">Whether Google has verified that the account's owner reads the mail of the address.</param>
/// <param name="HostedDomain">The domain of the Workspace organization that manages the account; null: a personal account.</param>
/// <param name="Name">The name for display.</param>
public sealed record GoogleIdentity(string Subject, string? Email, bool EmailVerified, string? HostedDomain, string? Name)
{
    private static readonly string[] OwnDomains = ["@gmail.com", "@googlemail.com"];

    /// <summary>
    /// True when Google itself manages the mailbox. The address of any other account was verified once, and its mailbox may belong to another
    /// person by now.
    /// </summary>
    public bool IsAuthoritative =>
        EmailVerified && Email is not null
        && (Array.Exists(OwnDomains, domain => Email.EndsWith(domain, StringComparison.OrdinalIgnoreCase))
            || (HostedDomain is not null && Email.EndsWith($"@{HostedDomain}", StringComparison.OrdinalIgnoreCase)));
}
