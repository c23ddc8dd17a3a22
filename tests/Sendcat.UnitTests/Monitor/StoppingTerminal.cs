using System.Text;
using Spectre.Console;

namespace Sendcat.UnitTests.Monitor;

/// <summary>A console that cancels a token, as Ctrl-C does, when a given text was written.</summary>
internal sealed class StoppingTerminal
{
    private readonly CancellingWriter _written;

    public StoppingTerminal(string trigger, CancellationTokenSource stop)
    {
        _written = new(trigger, stop) { NewLine = "\n" };
        Console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(_written),
        });
    }

    public IAnsiConsole Console { get; }

    public string Text => _written.ToString();

    private sealed class CancellingWriter(string trigger, CancellationTokenSource stop) : StringWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(string? value)
        {
            base.Write(value);
            if (ToString().Contains(trigger, StringComparison.Ordinal))
            {
                stop.Cancel();
            }
        }
    }
}
