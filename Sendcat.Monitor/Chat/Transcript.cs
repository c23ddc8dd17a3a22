using System.Globalization;
using System.Text;
using Spectre.Console;

namespace Sendcat.Monitor.Chat;

/// <summary>
/// Writes a turn to a terminal while it runs: text unchanged, reasoning dimmed, tool calls as lines, rows as a table. Output that is not a
/// terminal (a pipe, a log, a test) has no
/// colours and boxes. Control characters in text of models and tools are removed, so that an answer cannot send escape sequences to the
/// terminal.
/// </summary>
internal sealed class Transcript(IAnsiConsole console)
{
    // The answer follows the rows and should stay on the same screen.
    private const int RowsShown = 8;

    private readonly TextWriter _output = console.Profile.Out.Writer;
    private readonly bool _colours = console.Profile.Capabilities.Ansi;
    private readonly Dictionary<string, string> _toolNames = new(StringComparer.Ordinal);
    private readonly HashSet<string> _shown = new(StringComparer.Ordinal);
    private Block _block = Block.Line;
    private bool _lineIsOpen;
    private long _promptTokens;
    private long _completionTokens;
    private double? _ttftMs;
    private double _latencyMs;
    private string? _modelId;

    private enum Block
    {
        Line,
        Text,
        Reasoning,
    }

    public void Show(TurnEvent turnEvent)
    {
        switch (turnEvent)
        {
            case TurnEvent.Text { Delta.Length: > 0 } text:
                Flow(Block.Text, text.Delta);
                break;
            case TurnEvent.Reasoning { Delta.Length: > 0 } reasoning:
                Flow(Block.Reasoning, reasoning.Delta);
                break;
            case TurnEvent.Route { RouteId: not "primary" } route:
                Line($"· answered by the {route.RouteId} route ({route.ModelClass})", "2");
                break;
            case TurnEvent.ToolCalled call:
                _toolNames[call.CallId] = call.Name;
                Line($"→ {call.Name} {call.Arguments}", "36");
                break;
            case TurnEvent.ToolAnswered answer:
                Rows(answer);
                break;
            case TurnEvent.ToolFailed failure:
                Line($"! {ToolName(failure.CallId)} failed: {failure.Message}", "33");
                break;
            case TurnEvent.Backpressure pressure:
                Line($"! {pressure.Tool} is busy: {pressure.Reason}{RetryAfter(pressure.RetryAfterMs)}", "33");
                break;
            case TurnEvent.Usage usage:
                Add(usage);
                break;
            case TurnEvent.Failed failure:
                Line($"✗ {failure.Code}: {failure.Message}{RetryAfter(failure.RetryAfterMs)}", "31");
                break;
            case TurnEvent.Stopped:
                Line("■ stopped", "33");
                break;
            case TurnEvent.Done:
                Line(Summary(), "2");
                break;
        }

        _output.Flush();
    }

    private void Flow(Block kind, string delta)
    {
        if (_block != kind)
        {
            CloseLine();
            _block = kind;
            if (kind == Block.Reasoning && !_colours)
            {
                _output.Write("(thinking) ");
            }
        }

        var text = Clean(delta);
        _output.Write(kind == Block.Reasoning && _colours ? $"\e[2m{text}\e[0m" : text);
        _lineIsOpen = !text.EndsWith('\n');
    }

    private void Line(string text, string style)
    {
        CloseLine();
        _block = Block.Line;
        var clean = Clean(text);
        _output.WriteLine(_colours ? $"\e[{style}m{clean}\e[0m" : clean);
    }

    private void CloseLine()
    {
        if (_lineIsOpen)
        {
            _output.WriteLine();
            _lineIsOpen = false;
        }
    }

    private void Rows(TurnEvent.ToolAnswered answer)
    {
        var rows = ToolRow.Read(answer.Output);
        if (rows.Count == 0 || !_shown.Add(string.Create(CultureInfo.InvariantCulture, $"{answer.CallId}|{rows.Count}")))
        {
            return; // the UI dialect repeats the preliminary rows in the final output
        }

        Line(
            $"← {ToolName(answer.CallId)}: {rows.Count.ToString(CultureInfo.InvariantCulture)} "
            + (rows.Count == 1 ? "result" : "results"),
            "36");
        var first = rows.Take(RowsShown).ToArray();
        if (_colours)
        {
            console.Write(ToolRow.Table(first));
        }
        else
        {
            foreach (var (row, n) in first.Select((row, i) => (row, i + 1)))
            {
                _output.WriteLine(
                    Clean(string.Create(CultureInfo.InvariantCulture, $"  {n}. {string.Join(" | ", row.Cells.Where(c => c.Length > 0))}")));
            }
        }

        if (rows.Count > first.Length)
        {
            _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  … and {rows.Count - first.Length} more"));
        }
    }

    private void Add(TurnEvent.Usage usage)
    {
        _promptTokens += usage.PromptTokens ?? 0;
        _completionTokens += usage.CompletionTokens ?? 0;
        _ttftMs ??= usage.TtftMs;
        _latencyMs += usage.LatencyMs ?? 0;
        _modelId = usage.ModelId ?? _modelId;
    }

    private string Summary()
    {
        var parts = new List<string>();
        if (_modelId is not null)
        {
            parts.Add(_modelId);
        }

        if (_promptTokens + _completionTokens > 0)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{_promptTokens} + {_completionTokens} tokens"));
        }

        if (_ttftMs is { } ttft)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"first token {ttft:0} ms"));
        }

        if (_latencyMs > 0)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"model {_latencyMs / 1000:0.0} s"));
        }

        return parts.Count == 0 ? "done" : string.Join(" · ", parts);
    }

    private string ToolName(string callId) => _toolNames.GetValueOrDefault(callId, "tool");

    private static string RetryAfter(int? milliseconds) =>
        milliseconds is { } ms ? string.Create(CultureInfo.InvariantCulture, $" (try again in {Math.Max(1, (ms + 999) / 1000)} s)") : "";

    private static string Clean(string text)
    {
        if (!text.Any(IsUnsafe))
        {
            return text;
        }

        var clean = new StringBuilder(text.Length);
        foreach (var c in text.Where(c => !IsUnsafe(c)))
        {
            clean.Append(c);
        }

        return clean.ToString();

        static bool IsUnsafe(char c) => char.IsControl(c) && c is not ('\n' or '\t');
    }
}
