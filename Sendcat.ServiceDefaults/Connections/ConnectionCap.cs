using System.Runtime.InteropServices;

namespace Sendcat.ServiceDefaults.Connections;

/// <summary>How many clients a process may have at once, so that it never runs out of descriptors: nothing else of it would work any more either.</summary>
/// <param name="Descriptors">The soft limit of the process.</param>
/// <param name="Connections">Of clients, over all ports.</param>
internal sealed record ConnectionCap(long Descriptors, int Connections)
{
    /// <summary>What a process opens between its start and its rest: connections to the stores, and assemblies that the first requests load.</summary>
    private const int Growth = 160;

    /// <summary>Clients that are let in however few descriptors there are.</summary>
    private const int Fewest = 16;

    /// <summary>The limit where the system has none.</summary>
    private const long Unlimited = 1_000_000;

    /// <summary>What stays free for stores, upstreams and files.</summary>
    public long Kept => Descriptors - Connections;

    /// <summary>
    /// Three tenths are kept for everything that is no client, at least what a process needs at rest. Upstream connections are the most of it: one for each turn on HTTP/1.1, one for a hundred on HTTP/2.
    /// </summary>
    /// <param name="open">What the process has open while it starts. Assemblies are the most of it: each takes one descriptor, or two, depending on the build.</param>
    public static ConnectionCap Of(long descriptors, int open)
    {
        var kept = Math.Max(descriptors * 3 / 10, open + Growth);
        return new(descriptors, (int)Math.Clamp(descriptors - kept, Fewest, int.MaxValue));
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

    /// <summary>The runtime raises the soft limit to the hard one when it starts, so this is what it got.</summary>
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
