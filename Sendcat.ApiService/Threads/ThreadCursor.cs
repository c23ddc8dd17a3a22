using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// The position of a thread in the list, encoded as text that is opaque to clients. The list shows pinned threads first, then those with
/// the latest message.
/// </summary>
internal sealed record ThreadCursor(bool IsPinned, DateTimeOffset At, Guid Id)
{
    public override string ToString() =>
        Base64Url.EncodeToString(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{(IsPinned ? 1 : 0)}|{At.UtcTicks}|{Id:D}")));

    public static ThreadCursor? Parse(string text)
    {
        Span<byte> bytes = stackalloc byte[96];
        return text.Length <= 120
            && Base64UrlText.TryDecode(text, bytes, out var length)
            && Encoding.ASCII.GetString(bytes[..length]).Split('|') is [("0" or "1") and var pinned, var ticks, var id]
            && long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && at <= DateTime.MaxValue.Ticks
            && Guid.TryParseExact(id, "D", out var guid)
            ? new(pinned == "1", new(at, TimeSpan.Zero), guid)
            : null;
    }
}
