namespace Sendcat.Attacks.Measure;

/// <summary>Reads what was logged for what must not be in it.</summary>
internal sealed record LogReview(IReadOnlyList<string> StackTraces, IReadOnlyList<string> Secrets)
{
    private const string OurFrame = "   at Sendcat.";
    private const string ErrorLevel = "\"LogLevel\":\"Error\"";
    private const string Server = "\"Category\":\"Microsoft.AspNetCore.";

    /// <summary>Where the next review begins.</summary>
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
                if (line.Contains(OurFrame, StringComparison.Ordinal) || (line.Contains(ErrorLevel, StringComparison.Ordinal) && line.Contains(Server, StringComparison.Ordinal)))
                {
                    traces.Add(Start(line));
                }

                if (secrets.Any(secret => line.Contains(secret, StringComparison.Ordinal)))
                {
                    leaks.Add(Start(line));
                }
            }
        }

        return new(traces, leaks);
    }

    private static string Start(string line) => line.Length > 1_500 ? line[..1_500] : line;
}
