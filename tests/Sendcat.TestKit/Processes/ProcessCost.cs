using System.Globalization;

namespace Sendcat.TestKit.Processes;

/// <summary>What processes have cost so far, as /proc tells it.</summary>
public static class ProcessCost
{
    /// <summary>Ticks of /proc/&lt;pid&gt;/stat in a second on every Linux that .NET runs on.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>User and system time, in seconds, of a process with its descendants.</summary>
    public static double CpuSeconds(int processId) => ProcessFamily.Of(processId).Sum(Own);

    /// <summary>Memory that a process alone has in use, in bytes: without mapped files.</summary>
    public static long AnonymousBytes(int processId) => KibOf(processId, "RssAnon:") * 1024;

    /// <summary>Memory that a process holds, in bytes, with mapped files.</summary>
    public static long ResidentBytes(int processId) => KibOf(processId, "VmRSS:") * 1024;

    private static double Own(int processId)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static long KibOf(int processId, string name) =>
        File.ReadLines($"/proc/{processId}/status")
            .Where(line => line.StartsWith(name, StringComparison.Ordinal))
            .Select(line => long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture))
            .FirstOrDefault();
}
