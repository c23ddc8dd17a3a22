using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Sendcat.ApiService.Http;

/// <summary>The place of a row in a list, opaque to clients: by which order, its value there, its id.</summary>
/// <param name="Order">Lower-case letters; a cursor of one order is none in another.</param>
internal sealed record PageCursor(string Order, decimal Key, Guid Id)
{
    public PageCursor(string order, DateTimeOffset at, Guid id)
        : this(order, at.UtcTicks, id)
    {
    }

    /// <summary>Of a cursor by time; a forged one may hold any number.</summary>
    public DateTimeOffset At => new((long)Math.Clamp(Key, 0, DateTime.MaxValue.Ticks), TimeSpan.Zero);

    public override string ToString() => Base64Url.EncodeToString(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Order}|{Key}|{Id:D}")));

    /// <summary><c>?cursor=</c> of a list in this order: no cursor is the beginning.</summary>
    public static bool TryRead(string? text, string order, out PageCursor? cursor)
    {
        cursor = string.IsNullOrEmpty(text) ? null : Parse(text);
        return string.IsNullOrEmpty(text) || cursor?.Order == order;
    }

    public static ApiError Foreign => ApiError.InvalidRequest("cursor is not one of ours");

    private static PageCursor? Parse(string text)
    {
        Span<byte> bytes = stackalloc byte[128];
        return text.Length <= 160
            && Base64UrlText.TryDecode(text, bytes, out var length)
            && Encoding.ASCII.GetString(bytes[..length]).Split('|') is [var order, var key, var id]
            && decimal.TryParse(key, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            && value >= -1 && value <= DateTime.MaxValue.Ticks
            && Guid.TryParseExact(id, "D", out var guid)
            ? new(order, value, guid)
            : null;
    }
}
