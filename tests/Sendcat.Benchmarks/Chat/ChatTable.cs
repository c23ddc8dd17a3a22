using System.Globalization;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Spectre.Console;

namespace Sendcat.Benchmarks.Chat;

/// <summary>The figures of all rounds, by shape and target, and their ratios to direct and to YARP.</summary>
internal sealed class ChatTable(ChatOptions options)
{
    private readonly Dictionary<(ChatShape Shape, string Target), ChatFigures> cells = [];

    public int Failures => cells.Values.Sum(cell => cell.Failures.Count());

    public void Add(ChatShape shape, string target, LoadFigures figures, double targetCpu, double storesCpu)
    {
        if (!cells.TryGetValue((shape, target), out var cell))
        {
            cells[(shape, target)] = cell = new();
        }

        cell.Add(figures, targetCpu, storesCpu);
    }

    public object Results() =>
        from shape in Shapes()
        from target in TargetsOf(shape)
        let figures = Named(shape, target)
        select new
        {
            shape = shape.Name,
            target,
            figures,
            ratioToDirect = figures.ToDictionary(figure => figure.Key, figure => Ratio(shape, target, figure.Key, "direct")),
            ratioToYarp = figures.ToDictionary(figure => figure.Key, figure => Ratio(shape, target, figure.Key, "yarp")),
        };

    public void Print()
    {
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 160);
        foreach (var shape in Shapes())
        {
            var targets = TargetsOf(shape);
            var table = new Table()
                .Title(string.Create(CultureInfo.InvariantCulture, $"{shape.Name}: {options.Rounds} × {shape.Plan.Streams} streams"))
                .Border(TableBorder.Markdown)
                .AddColumn("");
            var ratios = (
                from other in new[] { "direct", "yarp" }
                from target in targets
                where target != other && targets.Contains(other) && (other, target) != ("yarp", "direct")
                select (target, other)).ToArray();
            foreach (var heading in targets.Concat(ratios.Select(ratio => $"{ratio.target} ÷ {ratio.other}")))
            {
                table.AddColumn(new TableColumn(heading).RightAligned().NoWrap());
            }

            foreach (var name in Named(shape, targets[0]).Keys)
            {
                table.AddRow([
                    name,
                    .. targets.Select(target => Units.Text(Named(shape, target)[name])),
                    .. ratios.Select(ratio => Units.Text(Ratio(shape, ratio.target, name, ratio.other))),
                ]);
            }

            AnsiConsole.Write(table);
            foreach (var failure in targets.SelectMany(
                target => cells[(shape, target)].Failures.Take(3).Select(text => $"{target}: {text}")))
            {
                AnsiConsole.MarkupLineInterpolated($"[red]{failure}[/]");
            }
        }
    }

    private double? Ratio(ChatShape shape, string target, string name, string other) =>
        target != other && cells.ContainsKey((shape, other)) ? Named(shape, target)[name].Over(Named(shape, other)[name]) : null;

    private IReadOnlyDictionary<string, double?> Named(ChatShape shape, string target) =>
        cells[(shape, target)].ByName(shape.Paced, cells.GetValueOrDefault((shape, "direct")));

    private IEnumerable<ChatShape> Shapes() =>
        cells.Keys.Select(key => key.Shape).Distinct().OrderByDescending(shape => shape.Paced).ThenBy(shape => shape.Plan.Concurrency);

    private string[] TargetsOf(ChatShape shape) =>
        [.. cells.Keys
            .Where(key => key.Shape == shape)
            .Select(key => key.Target)
            .OrderBy(target => Array.IndexOf(options.Targets, target))];
}
