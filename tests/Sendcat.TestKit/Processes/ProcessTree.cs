using System.Globalization;

namespace Sendcat.TestKit.Processes;

/// <summary>A process and its descendants, parents first, as /proc knows them (elsewhere: the process alone).</summary>
public static class ProcessFamily
{
    public static IReadOnlyList<int> Of(int processId)
    {
        var family = new List<int> { processId };
        if (!Directory.Exists("/proc/self"))
        {
            return family;
        }

        var children = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0)
            .ToLookup(ParentOf);
        for (var next = 0; next < family.Count; next++)
        {
            family.AddRange(children[family[next]]);
        }

        return family;
    }

    private static int ParentOf(int processId)
    {
        try
        {
            // "pid (name) state ppid …", and the name may hold spaces and brackets.
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
