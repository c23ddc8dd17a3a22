using System.Text;

namespace Sendcat.Attacks.Fuzz;

/// <param name="Operation">What it is about; null when its bytes are no valid request.</param>
/// <param name="ClosesAfter">The client closes its half behind it, and the connection serves nothing else.</param>
internal sealed record FuzzRequest(byte[] Bytes, ApiOperation? Operation, bool ClosesAfter)
{
    private const int Shown = 3_000;

    public bool IsHead => Bytes.AsSpan().StartsWith("HEAD "u8);

    public override string ToString() => Encoding.Latin1.GetString(Bytes, 0, Math.Min(Bytes.Length, Shown));
}
