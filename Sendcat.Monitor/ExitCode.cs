namespace Sendcat.Monitor;

/// <summary>What every verb ends with.</summary>
internal static class ExitCode
{
    public const int Pass = 0;

    public const int Fail = 1;

    /// <summary>Could not decide: the service does not answer, or the command line makes no sense.</summary>
    public const int Undecided = 2;
}
