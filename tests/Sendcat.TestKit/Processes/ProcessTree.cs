using System.Globalization;

namespace Sendcat.TestKit.Processes;

/// <summary>Finds the descendants of a process in /proc.</summary>
public static class ProcessTree
{
    /// <summary>The process and its descendants, parents first. On a system without /proc: only the process.</summary>
    public static IReadOnlyList<int> Of(int processId)
    {
        var processes = new List<int> { processId };
        if (!Directory.Exists("/proc/self"))
        {
            return processes;
        }

        var children = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0)
            .ToLookup(ParentOf);
        for (var next = 0; next < processes.Count; next++)
        {
            processes.AddRange(children[processes[next]]);
        }

        return processes;
    }

    private static int ParentOf(int processId)
    {
        try
        {
            // The format is "pid (name) state ppid …", and the name may contain spaces and brackets.
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
