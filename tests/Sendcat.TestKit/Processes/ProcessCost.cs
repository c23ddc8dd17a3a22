using System.Globalization;

namespace Sendcat.TestKit.Processes;

/// <summary>Reads the CPU time and memory of processes from /proc.</summary>
public static class ProcessCost
{
    /// <summary>Clock ticks per second in /proc/&lt;pid&gt;/stat; the same on every Linux on which .NET runs.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>
    /// The user and system time of a process and its descendants, in seconds. Those that have ended are included, when their parent has
    /// waited for them: a backend of Postgres that ends between two readings would otherwise make the time smaller.
    /// </summary>
    public static double CpuSeconds(int processId) => ProcessTree.Of(processId).Sum(Own);

    /// <summary>The resident memory of one process without mapped files, in bytes.</summary>
    public static long AnonymousBytes(int processId) => KibOf(processId, "RssAnon:") * 1024;

    /// <summary>The resident memory of one process with mapped files, in bytes.</summary>
    public static long ResidentBytes(int processId) => KibOf(processId, "VmRSS:") * 1024;

    private static double Own(int processId)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');

            // utime, stime, and the sums of the children that were waited for: cutime, cstime.
            return fields[11..15].Sum(field => long.Parse(field, CultureInfo.InvariantCulture)) / TicksPerSecond;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static long KibOf(int processId, string name) =>
        File.ReadLines($"/proc/{processId}/status")
            .Where(line => line.StartsWith(name, StringComparison.Ordinal))
            .Select(
                line => long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture))
            .FirstOrDefault();
}
