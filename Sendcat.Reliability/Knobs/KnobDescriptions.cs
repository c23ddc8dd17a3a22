using System.Collections.Concurrent;
using System.Reflection;
using System.Xml.Linq;

namespace Sendcat.Reliability.Knobs;

/// <summary>Reads the description of a knob: the summary of its property, from the XML documentation file of the assembly.</summary>
internal static class KnobDescriptions
{
    private static readonly ConcurrentDictionary<Assembly, Dictionary<string, string>> Files = new();

    public static string Of(PropertyInfo property) =>
        Files.GetOrAdd(property.Module.Assembly, Read).GetValueOrDefault($"P:{property.DeclaringType!.FullName}.{property.Name}", "");

    private static Dictionary<string, string> Read(Assembly assembly)
    {
        var file = Path.ChangeExtension(assembly.Location, ".xml");
        if (assembly.Location.Length == 0 || !File.Exists(file))
        {
            return [];
        }

        return XDocument.Load(file).Descendants("member")
            .Where(member => member.Attribute("name")?.Value.StartsWith("P:", StringComparison.Ordinal) == true)
            .ToDictionary(member => member.Attribute("name")!.Value, member => Text(member.Element("summary")), StringComparer.Ordinal);
    }

    private static string Text(XElement? summary) =>
        summary is null ? "" : string.Join(' ', summary.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
