using System.Text;

namespace Sendcat.Attacks.Fuzz;

internal enum AnswerEnd
{
    /// <summary>It came whole.</summary>
    Whole,

    /// <summary>A stream that the client left after a while.</summary>
    Left,

    /// <summary>The server closed the connection.</summary>
    Closed,

    /// <summary>Nothing came in time.</summary>
    Hung,
}

/// <param name="Status">0 without an answer.</param>
/// <param name="Bytes">Head and body, as far as they were read.</param>
internal readonly record struct RawAnswer(int Status, AnswerEnd End, bool KeepsAlive, ReadOnlyMemory<byte> Bytes)
{
    private const int Shown = 800;

    public override string ToString() => $"{Status} {End} {Encoding.Latin1.GetString(Bytes.Span[..Math.Min(Bytes.Length, Shown)])}";
}
