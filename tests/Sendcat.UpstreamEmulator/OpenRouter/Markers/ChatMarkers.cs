using Sendcat.UpstreamEmulator.Markers;
using static Sendcat.UpstreamEmulator.Markers.MarkerValues;

namespace Sendcat.UpstreamEmulator.OpenRouter.Markers;

/// <summary>The markers that a prompt may contain to control the answer of the model.</summary>
internal static class ChatMarkers
{
    public static MarkerLanguage<Directions> Language { get; } = new(
    [
        new("status", (d, v) => d.Status = Number(v)),
        new("retry-after", (d, v) => d.RetryAfterSeconds = Number(v)),
        new("body", (d, v) => d.Body = EnumValue<RefusalBody>(v)),
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
        new("reasoning-as", (d, v) => d.ReasoningAs = EnumValue<ReasoningShape>(v)),

        new("tool", (d, v) => d.Tools.Add(new(v, null, null))),
        new("args", (d, v) => d.Tools[LastTool(d, "args")] = d.Tools[^1] with { Arguments = v }),
        new("id", (d, v) => d.Tools[LastTool(d, "id")] = d.Tools[^1] with { Id = v }),
        new("tool-rounds", (d, v) => d.ToolRounds = v == "forever" ? int.MaxValue : Number(v)),
        new("tool-ids", (d, v) => d.ToolIds = EnumValue<ToolIds>(v)),
        new("tool-names", (d, v) => d.ToolNames = EnumValue<ToolNames>(v)),
        new("tool-index", (d, v) => d.ToolIndex = EnumValue<ToolIndex>(v)),
        new("tool-split", (d, v) => d.ToolFragments = Math.Max(1, Number(v))),
        new("tool-order", (d, v) => d.ToolsInterleaved =
            v == "interleaved" || (v == "sequential" ? false : throw new FormatException($"tool-order={v}: sequential or interleaved"))),
        new("markup", (d, v) => d.Markup = EnumValue<MarkupForm>(v)),
        new("no-tools", (d, v) => d.NoTools = Flag(v)),

        new("hang", (d, v) => d.Hang = EnumValue<HangPoint>(v)),
        new("error-after", (d, v) => d.ErrorAfter = v == "finish" ? new(0, AfterFinish: true) : new(Number(v), AfterFinish: false)),
        new("code", (d, v) => d.ErrorCode = v),
        new("cut-after", (d, v) => d.CutAfter = Number(v)),
        new("cut", (d, v) => d.Cut = EnumValue<CutKind>(v)),
        new("stall-after", (d, v) => d.StallAfter = Number(v)),
        new("stall", (d, v) => d.StallMs = Milliseconds(v)),
        new("bad-json-after", (d, v) => d.BadJsonAfter = Number(v)),
        new("giant-line", (d, v) => d.GiantBytes = Bytes(v)),
        new("giant-after", (d, v) => d.GiantAfter = Number(v)),

        new("finish", (d, v) => d.Finish = v),
        new("usage", (d, v) => d.Usage = EnumValue<UsageShape>(v)),
        new("done", (d, v) => d.Done = v != "none"),

        new("crlf", (d, v) => d.Crlf = Flag(v)),
        new("no-space", (d, v) => d.NoSpace = Flag(v)),
        new("stamp", (d, v) => d.Stamp = Flag(v)),
        new("split-bytes", (d, v) => d.SplitBytes = v.Length == 0 ? 7 : Math.Max(1, Number(v))),
        new("comments", Comments),

        new("catalog", (d, v) => d.Catalog = EnumValue<CatalogFault>(v)),
    ],
    new Dictionary<string, Action<string>>(StringComparer.Ordinal) { ["model"] = _ => { }, ["call"] = call => Number(call) });

    /// <summary>
    /// Whether the conditions of a block match this model (a trailing <c>*</c> matches any ending) and this call of the turn.
    /// </summary>
    public static bool AppliesTo(this MarkerBlock<Directions> block, string model, int call) =>
        (!block.Conditions.TryGetValue("call", out var nth) || Number(nth) == call)
        && (!block.Conditions.TryGetValue("model", out var wanted)
            || (wanted.EndsWith('*')
                ? model.StartsWith(wanted[..^1], StringComparison.OrdinalIgnoreCase)
                : model.Equals(wanted, StringComparison.OrdinalIgnoreCase)));

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

    private static int LastTool(Directions directions, string marker) =>
        directions.Tools.Count > 0 ? directions.Tools.Count - 1 : throw new FormatException($"{marker}= follows a tool=");
}
