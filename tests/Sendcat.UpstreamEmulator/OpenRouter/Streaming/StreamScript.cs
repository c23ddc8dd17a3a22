namespace Sendcat.UpstreamEmulator.OpenRouter.Streaming;

internal enum FrameKind : byte
{
    /// <summary>A data event: the head of this response (id, model, created) and then the frame's bytes.</summary>
    Chunk,

    /// <summary>Bytes as they are: comments, <c>[DONE]</c>, bad JSON.</summary>
    Raw,

    /// <summary>Silence until the peer goes away.</summary>
    Hang,

    /// <summary>The connection is reset (h2: the stream).</summary>
    Reset,

    /// <summary>The connection is closed in the middle of the body (h2: the stream is reset).</summary>
    Fin,
}

/// <param name="DelayMs">Silence before this frame.</param>
/// <param name="StampAt">Where in the bytes sixteen digits of microseconds since 1970 are written on sending; negative: nowhere.</param>
internal readonly record struct Frame(FrameKind Kind, int DelayMs, int StampAt, ReadOnlyMemory<byte> Bytes);

/// <summary>One rendered answer. Immutable, shared by all streams that play the same.</summary>
/// <param name="EndsWell">A finish reason and <c>[DONE]</c> come at the end.</param>
internal sealed record StreamScript(IReadOnlyList<Frame> Frames, CatalogModel Model, bool EndsWell, int HeadersMs, bool HangsBeforeHeaders, bool NoSpace, int SplitBytes, int CommentEveryMs)
{
    public static readonly ReadOnlyMemory<byte> Comment = ": OPENROUTER PROCESSING\n\n"u8.ToArray();
}
