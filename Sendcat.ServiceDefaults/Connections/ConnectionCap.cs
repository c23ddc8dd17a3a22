using System.Runtime.InteropServices;

namespace Sendcat.ServiceDefaults.Connections;

/// <summary>
/// The maximum number of client connections of a process. It keeps the process from using up its file descriptors, because without them
/// nothing else in the process works either.
/// </summary>
/// <param name="Descriptors">The soft limit of the process for open file descriptors.</param>
/// <param name="Connections">Maximum number of client connections, over all ports.</param>
internal sealed record ConnectionCap(long Descriptors, int Connections)
{
    /// <summary>
    /// Number of descriptors that a process opens after its start: connections to the stores, and assemblies that the first requests load.
    /// </summary>
    private const int GrowthAfterStart = 160;

    /// <summary>Minimum cap, however few descriptors there are.</summary>
    private const int MinConnections = 16;

    /// <summary>The value for a system without a limit.</summary>
    private const long Unlimited = 1_000_000;

    /// <summary>Number of descriptors that stay free for stores, upstreams and files.</summary>
    public long Reserved => Descriptors - Connections;

    /// <summary>
    /// Reserves three tenths of the descriptors for everything other than clients, and at least what an idle process needs. Most of them
    /// are upstream connections: one for each turn on HTTP/1.1, one for a hundred turns on HTTP/2.
    /// </summary>
    /// <param name="open">
    /// Number of open descriptors at the start. Most of them are assemblies: each takes one or two descriptors, depending on the build.
    /// </param>
    public static ConnectionCap Of(long descriptors, int open)
    {
        var reserved = Math.Max(descriptors * 3 / 10, open + GrowthAfterStart);
        return new(descriptors, (int)Math.Clamp(descriptors - reserved, MinConnections, int.MaxValue));
    }

    public static ConnectionCap OfThisProcess() => Of(DescriptorLimit(), OpenDescriptors());

    private static int OpenDescriptors()
    {
        foreach (var folder in new[] { "/proc/self/fd", "/dev/fd" })
        {
            if (Directory.Exists(folder))
            {
                return Directory.EnumerateFileSystemEntries(folder).Count();
            }
        }

        return 0;
    }

    /// <summary>The soft limit. The runtime raises it to the hard limit at its start.</summary>
    private static long DescriptorLimit()
    {
        if (OperatingSystem.IsWindows() || GetLimit(OperatingSystem.IsMacOS() ? 8 : 7, out var limit) != 0)
        {
            return Unlimited;
        }

        return limit.Soft > Unlimited ? Unlimited : (long)limit.Soft;
    }

    [DllImport("libc", EntryPoint = "getrlimit"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetLimit(int resource, out ResourceLimit limit);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ResourceLimit
    {
        public readonly ulong Soft;
        public readonly ulong Hard;
    }
}
