using System.Globalization;

namespace Sendcat.LocalRunner.Running;

/// <summary>What the person in front of the terminal reads: lines with the name of who says them, in a colour of its own.</summary>
internal sealed class Narrator(TextWriter? output, bool colours)
{
    private const string Self = "sendcat";
    private static readonly int[] Palette = [36, 33, 35, 32, 34, 96, 93, 95, 92, 94];
    private readonly Lock _writing = new();
    private readonly Dictionary<string, int> _colourOf = new(StringComparer.Ordinal);
    private int _width = Self.Length;

    public static Narrator OnConsole() => new(Console.Out, !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")));

    public static Narrator Silent() => new(null, colours: false);

    /// <summary>Makes room for a name, so that all lines stand in one column.</summary>
    public void Expect(string name)
    {
        lock (_writing)
        {
            _width = Math.Max(_width, name.Length);
            _colourOf[name] = Palette[_colourOf.Count % Palette.Length];
        }
    }

    public void Say(string line) => Say(Self, line);

    public void Say(string name, string line)
    {
        lock (_writing)
        {
            var prefix = name.PadRight(_width);
            output?.WriteLine(colours ? string.Create(CultureInfo.InvariantCulture, $"\e[{_colourOf.GetValueOrDefault(name, 1)}m{prefix} │\e[0m {line}") : $"{prefix} | {line}");
        }
    }

    public void Show(string text)
    {
        lock (_writing)
        {
            output?.WriteLine(text);
        }
    }
}
