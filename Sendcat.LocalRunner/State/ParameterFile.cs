using System.Text.Json;

namespace Sendcat.LocalRunner.State;

/// <summary>Generated parameters, kept from run to run in a file that only its owner can read.</summary>
internal sealed class ParameterFile(string path)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private static readonly Lock Writing = new();

    public static ParameterFile Of(StateFolder folder) => new(folder.Parameters);

    public string GetOrAdd(string name, Func<string> generate)
    {
        lock (Writing)
        {
            var known = File.Exists(path) ? JsonSerializer.Deserialize<SortedDictionary<string, string>>(File.ReadAllText(path))! : new(StringComparer.Ordinal);
            if (!known.TryGetValue(name, out var value))
            {
                known[name] = value = generate();
                WriteWhole(JsonSerializer.Serialize(known, Indented));
            }

            return value;
        }
    }

    private void WriteWhole(string text)
    {
        var draft = path + ".new";
        File.Delete(draft);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var writer = new StreamWriter(new FileStream(draft, options)))
        {
            writer.Write(text);
        }

        File.Move(draft, path, overwrite: true);
    }
}
