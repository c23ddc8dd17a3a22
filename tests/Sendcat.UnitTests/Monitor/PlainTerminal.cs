using Spectre.Console;

namespace Sendcat.UnitTests.Monitor;

/// <summary>A console that writes to a string, with or without ANSI escape sequences.</summary>
internal sealed class PlainTerminal
{
    private readonly StringWriter _written = new() { NewLine = "\n" };

    public PlainTerminal(bool colours = false) => Console = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Ansi = colours ? AnsiSupport.Yes : AnsiSupport.No,
        ColorSystem = ColorSystemSupport.NoColors,
        Interactive = InteractionSupport.No,
        Out = new AnsiConsoleOutput(_written),
    });

    public IAnsiConsole Console { get; }

    public string Text => _written.ToString();
}
