namespace Sendcat.Integrations.Gmail;

/// <summary>What a user grants when connecting a mailbox.</summary>
public static class GmailScopes
{
    /// <summary>Reading, and nothing else.</summary>
    public const string ReadOnly = "https://www.googleapis.com/auth/gmail.readonly";

    /// <summary>Whether reading is among the granted scopes: users may leave it out on Google's page.</summary>
    public static bool PermitReading(string granted) => granted.Split(' ').Contains(ReadOnly, StringComparer.Ordinal);
}
