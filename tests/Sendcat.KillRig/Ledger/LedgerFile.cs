using System.Globalization;

namespace Sendcat.KillRig.Ledger;

/// <summary>
/// An append-only file of one process: a line is with the kernel before the call returns, so a kill -9 of the writer loses nothing. A line: time (Unix, µs), then fields, tab-separated.
/// </summary>
internal sealed class LedgerFile(string file, TimeProvider time) : IDisposable
{
    private readonly Lock gate = new();
    private readonly FileStream stream = new(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);

    public void Write(params ReadOnlySpan<string> fields)
    {
        var line = System.Text.Encoding.UTF8.GetBytes($"{(time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / 10}\t{string.Join('\t', fields)}\n");
        lock (gate)
        {
            stream.Write(line);
        }
    }

    public void Dispose() => stream.Dispose();

    /// <summary>Lines of all files; a last line that was cut off by a kill is left out.</summary>
    public static IEnumerable<(DateTimeOffset At, string[] Fields)> Read(IEnumerable<string> files)
    {
        foreach (var file in files)
        {
            var text = File.ReadAllText(file);
            foreach (var line in text.Split('\n')[..^1])
            {
                var fields = line.Split('\t');
                yield return (DateTimeOffset.UnixEpoch + TimeSpan.FromMicroseconds(long.Parse(fields[0], CultureInfo.InvariantCulture)), fields[1..]);
            }
        }
    }
}
