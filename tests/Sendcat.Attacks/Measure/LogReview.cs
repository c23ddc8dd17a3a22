namespace Sendcat.Attacks.Measure;

/// <summary>Lines of a log that must not exist.</summary>
/// <param name="StackTraces">Lines with an exception of Sendcat or an error of the server.</param>
/// <param name="Secrets">Lines that contain a secret.</param>
internal sealed record LogReview(IReadOnlyList<string> StackTraces, IReadOnlyList<string> Secrets)
{
    private const string SendcatFrame = "   at Sendcat.";
    private const string ErrorLevel = "\"LogLevel\":\"Error\"";
    private const string ServerCategory = "\"Category\":\"Microsoft.AspNetCore.";

    /// <summary>The length of the log (bytes), from which the next review begins.</summary>
    public static long Length(string file) => File.Exists(file) ? new FileInfo(file).Length : 0;

    public static LogReview Read(string file, long from, IReadOnlyCollection<string> secrets)
    {
        var (traces, leaks) = (new List<string>(), new List<string>());
        if (File.Exists(file))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            stream.Seek(Math.Min(from, stream.Length), SeekOrigin.Begin);
            using var reader = new StreamReader(stream);
            while (reader.ReadLine() is { } line)
            {
                if (line.Contains(SendcatFrame, StringComparison.Ordinal)
                    || (line.Contains(ErrorLevel, StringComparison.Ordinal) && line.Contains(ServerCategory, StringComparison.Ordinal)))
                {
                    traces.Add(Beginning(line));
                }

                if (secrets.Any(secret => line.Contains(secret, StringComparison.Ordinal)))
                {
                    leaks.Add(Beginning(line));
                }
            }
        }

        return new(traces, leaks);
    }

    private static string Beginning(string line) => line.Length > 1_500 ? line[..1_500] : line;
}
