using System.Runtime.InteropServices;

namespace Sendcat.ServiceDefaults.Connections;

/// <summary>How many clients a process may have at once, so that it never runs out of descriptors: nothing else of it would work any more either.</summary>
/// <param name="Descriptors">The soft limit of the process.</param>
/// <param name="Connections">Of clients, over all ports.</param>
internal sealed record ConnectionCap(long Descriptors, int Connections)
{
    /// <summary>A process of ours with its assemblies, logs and connections to the stores, at rest.</summary>
    private const int Rest = 160;

    /// <summary>The limit where the system has none.</summary>
    private const long Unlimited = 1_000_000;

    /// <summary>What stays free for stores, upstreams and files.</summary>
    public long Kept => Descriptors - Connections;

    /// <summary>
    /// Three tenths are kept for everything that is no client, at least what a process needs at rest. Upstream connections are the most of it: one for each turn on HTTP/1.1, one for a hundred on HTTP/2.
    /// </summary>
    public static ConnectionCap Of(long descriptors)
    {
        var kept = Math.Max(descriptors * 3 / 10, Math.Min(Rest, descriptors / 2));
        return new(descriptors, (int)Math.Clamp(descriptors - kept, 1, int.MaxValue));
    }

    public static ConnectionCap OfThisProcess() => Of(DescriptorLimit());

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
