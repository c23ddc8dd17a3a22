using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Sendcat.ApiService.Http;

/// <summary>The position of a row in a sorted list, encoded as text that is opaque to clients.</summary>
/// <param name="Order">
/// The name of the sort order, or of the part of a list that has several parts. A cursor of one order is invalid in another.
/// </param>
/// <param name="Key">The row's value of the sort key, -1 to the largest number of ticks of a <see cref="DateTime"/>.</param>
/// <param name="Id">The row's id, which orders rows with equal keys.</param>
internal sealed record PageCursor(string Order, decimal Key, Guid Id)
{
    public PageCursor(string order, DateTimeOffset at, Guid id)
        : this(order, at.UtcTicks, id)
    {
    }

    /// <summary>The key as a time, for an order by time. It is clamped, because a forged cursor may hold any number.</summary>
    public DateTimeOffset At => new((long)Math.Clamp(Key, 0, DateTime.MaxValue.Ticks), TimeSpan.Zero);

    public override string ToString() =>
        Base64Url.EncodeToString(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Order}|{Key}|{Id:D}")));

    /// <summary>Parses <c>?cursor=</c> of a list in this order. No text means the start of the list and gives a null cursor.</summary>
    /// <returns>False for text that is no cursor of this order.</returns>
    public static bool TryRead(string? text, string order, out PageCursor? cursor) => TryRead(text, [order], out cursor);

    /// <inheritdoc cref="TryRead(string?, string, out PageCursor?)"/>
    /// <returns>False for text that is no cursor of one of these orders.</returns>
    public static bool TryRead(string? text, ReadOnlySpan<string> orders, out PageCursor? cursor)
    {
        cursor = string.IsNullOrEmpty(text) ? null : Parse(text);
        return string.IsNullOrEmpty(text) || (cursor is not null && orders.Contains(cursor.Order));
    }

    /// <summary>The error for a cursor that is rejected.</summary>
    public static ApiError Invalid => ApiError.InvalidRequest("cursor is not one of ours");

    private static PageCursor? Parse(string text)
    {
        Span<byte> bytes = stackalloc byte[128];
        return text.Length <= 160
            && Base64UrlText.TryDecode(text, bytes, out var length)
            && Encoding.ASCII.GetString(bytes[..length]).Split('|') is [var order, var key, var id]
            && decimal.TryParse(
                key, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            && value >= -1 && value <= DateTime.MaxValue.Ticks
            && Guid.TryParseExact(id, "D", out var guid)
            ? new(order, value, guid)
            : null;
    }
}
