using System.Globalization;
using System.Text;

namespace Sendcat.LocalRunner.Running;

/// <summary>The processes of a run as text: name, state, URL, pid, restarts.</summary>
internal static class ResourceTable
{
    private static readonly string[] Head = ["NAME", "STATE", "URL", "PID", "RESTARTS", ""];

    public static string Render(IReadOnlyList<InstanceStatus> rows)
    {
        string[][] cells = [Head, .. rows.Select(Cells)];
        var widths = Enumerable.Range(0, Head.Length).Select(column => cells.Max(row => row[column].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var row in cells)
        {
            text.AppendLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }

        return text.ToString();
    }

    private static string[] Cells(InstanceStatus row) =>
    [
        row.Name,
        row switch { { State: InstanceState.Running, Healthy: true } => "healthy", { State: InstanceState.Running } => "unhealthy", _ => row.State.ToString().ToLowerInvariant() },
        row.Url ?? "-",
        row.Pid?.ToString(CultureInfo.InvariantCulture) ?? "-",
        row.Restarts.ToString(CultureInfo.InvariantCulture),
        row.Healthy ? "" : row.Note ?? "",
    ];
}
