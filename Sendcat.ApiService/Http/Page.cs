using System.Globalization;

namespace Sendcat.ApiService.Http;

/// <summary>One page of a list.</summary>
/// <param name="NextCursor">Absent on the last page.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

/// <summary>Parses <c>?limit=</c> of a list.</summary>
internal static class PageLimit
{
    /// <param name="fallback">The limit when <paramref name="text"/> is null or empty.</param>
    /// <param name="max">The largest limit; the smallest is 1.</param>
    public static Outcome<int> Read(string? text, int fallback, int max) =>
        string.IsNullOrEmpty(text) ? fallback
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit >= 1 && limit <= max ? limit
        : ApiError.InvalidRequest($"limit must be 1 to {max}");
}
