using System.Text;

namespace Sendcat.Attacks.Fuzz;

/// <summary>The bytes of a request.</summary>
/// <param name="Bytes">The bytes.</param>
/// <param name="Operation">The operation; null when the bytes are not a valid request of one operation.</param>
/// <param name="ShutsDownSend">
/// The client shuts down its side of the connection after the request, so the connection serves no other request.
/// </param>
internal sealed record FuzzRequest(byte[] Bytes, ApiOperation? Operation, bool ShutsDownSend)
{
    private const int MaxShown = 3_000;

    public bool IsHead => Bytes.AsSpan().StartsWith("HEAD "u8);

    public override string ToString() => Encoding.Latin1.GetString(Bytes, 0, Math.Min(Bytes.Length, MaxShown));
}
