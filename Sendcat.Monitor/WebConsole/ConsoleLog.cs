namespace Sendcat.Monitor.WebConsole;

/// <summary>Event ids 7800–7899.</summary>
internal static partial class ConsoleLog
{
    [LoggerMessage(7801, LogLevel.Information, "{Name} signed in to the console from {Address}")]
    public static partial void SignedIn(this ILogger logger, string name, string address);

    [LoggerMessage(7802, LogLevel.Warning, "Sign-in to the console from {Address} refused: {Status}")]
    public static partial void SignInRefused(this ILogger logger, string address, int status);
}
