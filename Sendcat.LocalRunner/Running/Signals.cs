using System.Runtime.InteropServices;

namespace Sendcat.LocalRunner.Running;

internal static class Signals
{
    private const int Kill = 9;
    private const int Terminate = 15;

    public static void AskToStop(int pid) => _ = Send(pid, Terminate);

    /// <summary>The process and what is left of the session that it led.</summary>
    public static void End(int pid)
    {
        _ = Send(-pid, Kill);
        _ = Send(pid, Kill);
    }

    /// <summary>What a process that is already gone left of its session.</summary>
    public static void EndRemains(int pid) => _ = Send(-pid, Kill);

    [DllImport("libc", EntryPoint = "kill"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Send(int pid, int signal);
}
