using Spectre.Console;

namespace Sendcat.Benchmarks.Measure;

/// <summary>Prints figures as a table of names and values.</summary>
internal static class FiguresTable
{
    public static void Write(params IEnumerable<(string Name, string Value)> figures)
    {
        var table = new Table { Border = TableBorder.Markdown }.AddColumns("figure", "value");
        foreach (var (name, value) in figures)
        {
            table.AddRow(name, value);
        }

        AnsiConsole.Write(table);
    }
}
