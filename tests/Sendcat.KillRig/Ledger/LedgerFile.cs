using System.Globalization;

namespace Sendcat.KillRig.Ledger;

/// <summary>
/// An append-only file of one process. The kernel has the line before the call returns, so a SIGKILL of the writer loses no line. A line
/// contains the time (Unix time, µs) and then the fields, separated by tabs.
/// </summary>
internal sealed class LedgerFile(string file, TimeProvider time) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly FileStream _stream = new(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);

    public void Write(params ReadOnlySpan<string> fields)
    {
        var line = System.Text.Encoding.UTF8.GetBytes(
            $"{(time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / 10}\t{string.Join('\t', fields)}\n");
        lock (_gate)
        {
            _stream.Write(line);
        }
    }

    public void Dispose() => _stream.Dispose();

    /// <summary>The lines of all files. An incomplete last line, which a kill can leave, is omitted.</summary>
    public static IEnumerable<(DateTimeOffset At, string[] Fields)> Read(IEnumerable<string> files)
    {
        foreach (var file in files)
        {
            var text = File.ReadAllText(file);
            foreach (var line in text.Split('\n')[..^1])
            {
                var fields = line.Split('\t');
                yield return (
                    DateTimeOffset.UnixEpoch + TimeSpan.FromMicroseconds(long.Parse(fields[0], CultureInfo.InvariantCulture)), fields[1..]);
            }
        }
    }
}
