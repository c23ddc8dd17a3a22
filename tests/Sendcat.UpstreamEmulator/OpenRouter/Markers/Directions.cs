namespace Sendcat.UpstreamEmulator.OpenRouter.Markers;

/// <summary>
/// The settings of the answer to one model call: the defaults, changed by the preset of the model, the standing directions and the markers
/// of the prompt, in that order. Times are in milliseconds, sizes in bytes, positions in data events. The README describes each setting.
/// </summary>
internal sealed class Directions
{
    // Refusal before the stream
    public int? Status { get; set; }

    public int? RetryAfterSeconds { get; set; }

    public RefusalBody Body { get; set; }

    public string? Message { get; set; }

    public string? ErrorType { get; set; }

    // Pace
    public int HeadersMs { get; set; }

    public int FirstMs { get; set; }

    public int EveryMs { get; set; } = 20;

    // Content
    public string? Text { get; set; }

    public int? Chunks { get; set; }

    public int? ChunkBytes { get; set; }

    public string? Say { get; set; }

    public bool Echo { get; set; }

    public int ReasoningChunks { get; set; }

    public ReasoningShape ReasoningAs { get; set; }

    // Tools
    public List<PlannedTool> Tools { get; } = [];

    public int ToolRounds { get; set; } = 1;

    public ToolIds ToolIds { get; set; }

    public ToolNames ToolNames { get; set; }

    public ToolIndex ToolIndex { get; set; }

    public int ToolFragments { get; set; } = 4;

    public bool ToolsInterleaved { get; set; }

    public MarkupForm Markup { get; set; }

    public bool NoTools { get; set; }

    // Faults in the stream
    public HangPoint Hang { get; set; }

    public Position? ErrorAfter { get; set; }

    public string ErrorCode { get; set; } = "502";

    public int? CutAfter { get; set; }

    public CutKind Cut { get; set; }

    public int? StallAfter { get; set; }

    public int? StallMs { get; set; }

    public int? BadJsonAfter { get; set; }

    public int? GiantBytes { get; set; }

    public int GiantAfter { get; set; } = 1;

    // End
    public string? Finish { get; set; }

    public UsageShape Usage { get; set; }

    public bool Done { get; set; } = true;

    // Framing
    public bool Crlf { get; set; }

    public bool NoSpace { get; set; }

    public bool Stamp { get; set; }

    public int SplitBytes { get; set; }

    public CommentUse Comments { get; set; }

    public int CommentEveryMs { get; set; }

    // The catalogue (standing directions only)
    public CatalogFault Catalog { get; set; }
}

/// <summary>A tool call that a marker requests.</summary>
/// <param name="Name">The name of the tool.</param>
/// <param name="Arguments">The arguments as JSON; null: arguments that fit the tool and the prompt.</param>
/// <param name="Id">The id of the call; null: a new id.</param>
internal sealed record PlannedTool(string Name, string? Arguments, string? Id);

/// <summary>A position in the stream: after <paramref name="Chunks"/> data events, or after the finish reason.</summary>
internal readonly record struct Position(int Chunks, bool AfterFinish);

internal enum RefusalBody
{
    Json,
    Html,
    Empty,
    BadJson,
}

internal enum ReasoningShape
{
    OpenRouter,
    Content,
    Think,
}

internal enum ToolIds
{
    Normal,
    Late,
    Missing,
    EmptyLater,
    Repeat,
}

internal enum ToolNames
{
    Normal,
    EmptyLater,
    Repeat,
    Late,
}

internal enum ToolIndex
{
    Normal,
    Gap,
    Missing,
}

internal enum MarkupForm
{
    None,
    FunctionCalls,
    DoubleBracket,
    Bracket,
    Minimax,
    MinimaxEscaped,
}

internal enum HangPoint
{
    None,
    BeforeHeaders,
    BeforeFirst,
    Mid,
}

internal enum CutKind
{
    Rst,
    Fin,
    Eof,
}

internal enum UsageShape
{
    Separate,
    SeparateNull,
    Same,
    EmptyChoices,
    None,
}

internal enum CommentUse
{
    First,
    Between,
    None,
}

internal enum CatalogFault
{
    None,
    Error,
    Hang,
    BadJson,
    Empty,
}
