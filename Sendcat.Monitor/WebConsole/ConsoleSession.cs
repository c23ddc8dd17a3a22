namespace Sendcat.Monitor.WebConsole;

/// <summary>A person who is signed in. The cookie of the browser holds it; the Monitor stores nothing.</summary>
/// <param name="Key">The person's own key for the operator API.</param>
/// <param name="Name">The name of the key, as the audit shows it.</param>
/// <param name="Role"><c>operator</c> or <c>viewer</c>. The API decides by the key; this decides what is shown.</param>
internal sealed record ConsoleSession(string Key, string Name, string Role, DateTimeOffset ExpiresAt);
