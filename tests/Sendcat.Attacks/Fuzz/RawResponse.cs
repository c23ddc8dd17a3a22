using System.Text;

namespace Sendcat.Attacks.Fuzz;

/// <summary>How the reading of a response ended.</summary>
internal enum ResponseEnd
{
    /// <summary>The response is complete.</summary>
    Complete,

    /// <summary>The client stopped reading an event stream after 0.5 s.</summary>
    StoppedReading,

    /// <summary>The server closed the connection.</summary>
    Closed,

    /// <summary>The response was not complete after 5 s.</summary>
    TimedOut,
}

/// <summary>A response as bytes.</summary>
/// <param name="Status">The HTTP status; 0 without a response.</param>
/// <param name="End">How the reading ended.</param>
/// <param name="KeepsConnection">The connection can serve another request.</param>
/// <param name="Bytes">The head and the body, as far as they were read.</param>
internal readonly record struct RawResponse(int Status, ResponseEnd End, bool KeepsConnection, ReadOnlyMemory<byte> Bytes)
{
    private const int MaxShown = 800;

    public override string ToString() => $"{Status} {End} {Encoding.Latin1.GetString(Bytes.Span[..Math.Min(Bytes.Length, MaxShown)])}";
}
