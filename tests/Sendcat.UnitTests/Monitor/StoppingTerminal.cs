using System.Text;
using Spectre.Console;

namespace Sendcat.UnitTests.Monitor;

/// <summary>Somebody who presses Ctrl-C when they have read a certain word.</summary>
internal sealed class StoppingTerminal
{
    private readonly Watched written;

    public StoppingTerminal(string word, CancellationTokenSource stop)
    {
        written = new(word, stop) { NewLine = "\n" };
        Console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(written) });
    }

    public IAnsiConsole Console { get; }

    public string Text => written.ToString();

    private sealed class Watched(string word, CancellationTokenSource stop) : StringWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(string? value)
        {
            base.Write(value);
            if (ToString().Contains(word, StringComparison.Ordinal))
            {
                stop.Cancel();
            }
        }
    }
}
