namespace Sendcat.UpstreamEmulator.OpenRouter.Streaming;

internal enum FrameKind : byte
{
    /// <summary>A data event: the head of the response (id, model, created), then the bytes of the frame.</summary>
    Chunk,

    /// <summary>Only the bytes of the frame: a comment, <c>[DONE]</c> or invalid JSON.</summary>
    Raw,

    /// <summary>The stream sends no more data events until the client closes the connection.</summary>
    Hang,

    /// <summary>The connection is reset; on HTTP/2, the stream is reset.</summary>
    Reset,

    /// <summary>The connection is closed in the middle of the body; on HTTP/2, the stream is reset.</summary>
    Fin,
}

/// <summary>One write of a stream.</summary>
/// <param name="Kind">What the player does with the frame.</param>
/// <param name="DelayMs">The delay before this frame, in milliseconds.</param>
/// <param name="StampAt">
/// The offset in the bytes at which the player writes the send time, sixteen digits of microseconds since 1970; negative: none.
/// </param>
/// <param name="Bytes">The content.</param>
internal readonly record struct Frame(FrameKind Kind, int DelayMs, int StampAt, ReadOnlyMemory<byte> Bytes);

/// <summary>One rendered answer. It is immutable and shared by all streams with the same answer.</summary>
/// <param name="Frames">The frames in order.</param>
/// <param name="Model">The model that the head of the response names.</param>
/// <param name="EndsNormally">The stream ends with a finish reason and <c>[DONE]</c>.</param>
/// <param name="HeadersMs">The delay before the response headers, in milliseconds.</param>
/// <param name="HangsBeforeHeaders">The response never starts.</param>
/// <param name="NoSpace">There is no space after <c>data:</c>.</param>
/// <param name="SplitBytes">Each write is split into pieces of this number of bytes; 0: it is not split.</param>
/// <param name="CommentEveryMs">The interval of comments while the stream hangs, in milliseconds; 0: no comments.</param>
internal sealed record StreamScript(
    IReadOnlyList<Frame> Frames,
    CatalogModel Model,
    bool EndsNormally,
    int HeadersMs,
    bool HangsBeforeHeaders,
    bool NoSpace,
    int SplitBytes,
    int CommentEveryMs)
{
    public static readonly ReadOnlyMemory<byte> Comment = ": OPENROUTER PROCESSING\n\n"u8.ToArray();
}
