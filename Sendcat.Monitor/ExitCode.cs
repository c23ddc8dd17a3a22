namespace Sendcat.Monitor;

/// <summary>The exit codes of all verbs.</summary>
internal static class ExitCode
{
    public const int Pass = 0;

    public const int Fail = 1;

    /// <summary>Neither success nor failure is known: the service does not respond, or the command line is invalid.</summary>
    public const int Undecided = 2;
}
