using Sendcat.Reliability.Knobs;

namespace Sendcat.Monitor.WebConsole;

/// <summary>Settings of the operator console.</summary>
public sealed class ConsoleOptions
{
    /// <summary>
    /// Secret from which the key of the console's sign-in cookies is derived, at least 24 characters, the same for all Monitors; empty: a
    /// random one, so that a restart signs everybody out. Read by the Monitor at start.
    /// </summary>
    [Knob("CONSOLE_COOKIE_KEY", Secret = true)]
    public string CookieKey { get; set; } = "";
}
