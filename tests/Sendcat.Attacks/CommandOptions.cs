using System.CommandLine;

namespace Sendcat.Attacks;

/// <summary>Options that several commands share.</summary>
internal static class CommandOptions
{
    public static Option<string[]> Settings() =>
        new("--set") { Description = "NAME=VALUE for the API; may be repeated.", DefaultValueFactory = _ => [] };

    /// <summary>The names and values of <c>--set</c>.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Knobs(string[]? settings) =>
        (settings ?? [])
            .Select(setting => setting.Split('=', 2))
            .Select(parts => KeyValuePair.Create(parts[0], parts.Length > 1 ? parts[1] : ""));
}
