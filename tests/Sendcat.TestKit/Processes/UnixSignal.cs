using System.Runtime.InteropServices;

namespace Sendcat.TestKit.Processes;

/// <summary>Signals with their Linux numbers. On macOS the numbers of Stop and Continue differ.</summary>
public enum UnixSignal
{
    Interrupt = 2,
    Kill = 9,
    Terminate = 15,
    Continue = 18,
    Stop = 19,
}

public static class UnixSignalSending
{
    /// <summary>Sends the signal. It is not an error when the process has already ended, because a process can end at any time.</summary>
    public static void SendTo(this UnixSignal signal, int processId) => _ = Kill(processId, NumberOnThisSystem(signal));

    private static int NumberOnThisSystem(UnixSignal signal) =>
        !OperatingSystem.IsMacOS() ? (int)signal : signal switch { UnixSignal.Stop => 17, UnixSignal.Continue => 19, _ => (int)signal };

#pragma warning disable SYSLIB1054 // Two integers need no generated marshalling, and that would need unsafe code.
    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int processId, int signal);
#pragma warning restore SYSLIB1054
}
