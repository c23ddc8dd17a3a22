using System.Globalization;

namespace Sendcat.UpstreamEmulator.OpenRouter.Markers;

/// <summary>A marker: its name and what it changes. The README explains each; a test holds the two together.</summary>
internal sealed record Marker(string Name, Action<Directions, string> Apply);

internal static class MarkerTable
{
    private static readonly Dictionary<string, Marker> ByName = new Marker[]
    {
        new("status", (d, v) => d.Status = Number(v)),
        new("retry-after", (d, v) => d.RetryAfterSeconds = Number(v)),
        new("body", (d, v) => d.Body = Word<RefusalBody>(v)),
        new("message", (d, v) => d.Message = v),
        new("error-type", (d, v) => d.ErrorType = v),

        new("headers", (d, v) => d.HeadersMs = Milliseconds(v)),
        new("first", (d, v) => d.FirstMs = Milliseconds(v)),
        new("every", (d, v) => d.EveryMs = Milliseconds(v)),

        new("text", (d, v) => d.Text = v),
        new("chunks", (d, v) => d.Chunks = Number(v)),
        new("size", (d, v) => d.ChunkBytes = Bytes(v)),
        new("say", (d, v) => d.Say = v),
        new("echo", (d, v) => d.Echo = Flag(v)),
        new("reasoning", (d, v) => d.ReasoningChunks = v.Length == 0 ? 6 : Number(v)),
        new("reasoning-as", (d, v) => d.ReasoningAs = Word<ReasoningShape>(v)),

        new("tool", (d, v) => d.Tools.Add(new(v, null, null))),
        new("args", (d, v) => d.Tools[LastTool(d, "args")] = d.Tools[^1] with { Arguments = v }),
        new("id", (d, v) => d.Tools[LastTool(d, "id")] = d.Tools[^1] with { Id = v }),
        new("tool-rounds", (d, v) => d.ToolRounds = v == "forever" ? int.MaxValue : Number(v)),
        new("tool-ids", (d, v) => d.ToolIds = Word<ToolIds>(v)),
        new("tool-names", (d, v) => d.ToolNames = Word<ToolNames>(v)),
        new("tool-index", (d, v) => d.ToolIndex = Word<ToolIndex>(v)),
        new("tool-split", (d, v) => d.ToolFragments = Math.Max(1, Number(v))),
        new("tool-order", (d, v) => d.ToolsInterleaved = v == "interleaved" || (v == "sequential" ? false : throw new FormatException($"tool-order={v}: sequential or interleaved"))),
        new("markup", (d, v) => d.Markup = Word<MarkupForm>(v)),
        new("no-tools", (d, v) => d.NoTools = Flag(v)),

        new("hang", (d, v) => d.Hang = Word<HangPoint>(v)),
        new("error-after", (d, v) => d.ErrorAfter = v == "finish" ? new(0, AfterFinish: true) : new(Number(v), AfterFinish: false)),
        new("code", (d, v) => d.ErrorCode = v),
        new("cut-after", (d, v) => d.CutAfter = Number(v)),
        new("cut", (d, v) => d.Cut = Word<CutKind>(v)),
        new("stall-after", (d, v) => d.StallAfter = Number(v)),
        new("stall", (d, v) => d.StallMs = Milliseconds(v)),
        new("bad-json-after", (d, v) => d.BadJsonAfter = Number(v)),
        new("giant-line", (d, v) => d.GiantBytes = Bytes(v)),
        new("giant-after", (d, v) => d.GiantAfter = Number(v)),

        new("finish", (d, v) => d.Finish = v),
        new("usage", (d, v) => d.Usage = Word<UsageShape>(v)),
        new("done", (d, v) => d.Done = v != "none"),

        new("crlf", (d, v) => d.Crlf = Flag(v)),
        new("no-space", (d, v) => d.NoSpace = Flag(v)),
        new("stamp", (d, v) => d.Stamp = Flag(v)),
        new("split-bytes", (d, v) => d.SplitBytes = v.Length == 0 ? 7 : Math.Max(1, Number(v))),
        new("comments", Comments),

        new("catalog", (d, v) => d.Catalog = Word<CatalogFault>(v)),
    }.ToDictionary(m => m.Name, StringComparer.Ordinal);

    /// <summary>Every word that a block understands, conditions included.</summary>
    public static IEnumerable<string> Names => ByName.Keys.Concat(["model", "call", "times", "key", "status-once"]);

    public static Marker Find(string name) => ByName.TryGetValue(name, out var marker) ? marker : throw new FormatException($"there is no marker '{name}'");

    private static void Comments(Directions directions, string value)
    {
        switch (value)
        {
            case "" or "between": directions.Comments = CommentUse.Between; break;
            case "first": directions.Comments = CommentUse.First; break;
            case "none": directions.Comments = CommentUse.None; break;
            default: directions.CommentEveryMs = Math.Max(2, Milliseconds(value)); break;
        }
    }

    private static int LastTool(Directions directions, string marker) => directions.Tools.Count > 0 ? directions.Tools.Count - 1 : throw new FormatException($"{marker}= follows a tool=");

    private static bool Flag(string value) => value switch
    {
        "" or "true" => true,
        "false" => false,
        _ => throw new FormatException($"'{value}' is not true or false"),
    };

    private static int Number(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException($"'{value}' is not a whole number");

    /// <summary><c>50ms</c>, <c>2s</c>, <c>1m</c>; a bare number is milliseconds.</summary>
    private static int Milliseconds(string value) => checked((int)Scaled(value, [("ms", 1), ("s", 1000), ("m", 60_000)]));

    /// <summary><c>2mb</c>, <c>64kb</c>, <c>100b</c> or a bare number of bytes.</summary>
    private static int Bytes(string value) => Scaled(value, [("mb", 1 << 20), ("kb", 1 << 10), ("b", 1)]) is var bytes && bytes <= 256 << 20 ? (int)bytes : throw new FormatException($"'{value}' is more than 256mb");

    private static double Scaled(string value, (string Suffix, double Scale)[] units)
    {
        foreach (var (suffix, scale) in units)
        {
            if (value.EndsWith(suffix, StringComparison.OrdinalIgnoreCase) && double.TryParse(value.AsSpan(0, value.Length - suffix.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return number * scale;
            }
        }

        return Number(value);
    }

    /// <summary>The member of an enum in kebab case: <c>before-first</c> is <c>BeforeFirst</c>.</summary>
    private static T Word<T>(string value)
        where T : struct, Enum =>
        Enum.TryParse<T>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var word) && Enum.IsDefined(word) && !char.IsAsciiDigit(value.FirstOrDefault())
            ? word
            : throw new FormatException($"'{value}' is not one of {string.Join(", ", Enum.GetNames<T>().Select(n => string.Concat(n.Select((c, i) => i > 0 && char.IsUpper(c) ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"))))}");
}
