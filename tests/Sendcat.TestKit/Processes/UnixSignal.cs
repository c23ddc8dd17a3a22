using System.Runtime.InteropServices;

namespace Sendcat.TestKit.Processes;

/// <summary>Signals by the numbers of Linux (those of macOS differ for Stop and Continue).</summary>
public enum UnixSignal
{
    Interrupt = 2,
    Kill = 9,
    Terminate = 15,
    Continue = 18,
    Stop = 19,
}

internal static class UnixSignalSending
{
    /// <summary>A process that is gone already is no error: that is what signals race with.</summary>
    public static void SendTo(this UnixSignal signal, int processId) => _ = Kill(processId, NumberHere(signal));

    private static int NumberHere(UnixSignal signal) =>
        !OperatingSystem.IsMacOS() ? (int)signal : signal switch { UnixSignal.Stop => 17, UnixSignal.Continue => 19, _ => (int)signal };

#pragma warning disable SYSLIB1054 // Two integers need no generated marshalling, and that would need unsafe code.
    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int processId, int signal);
#pragma warning restore SYSLIB1054
}
