using System.Globalization;

namespace Sendcat.ApiService.Http;

/// <summary>One page of a list.</summary>
/// <param name="NextCursor">Absent on the last page.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

/// <summary><c>?limit=</c> of a list.</summary>
internal static class PageLimit
{
    public static Outcome<int> Read(string? text, int fallback, int most) =>
        string.IsNullOrEmpty(text) ? fallback
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit >= 1 && limit <= most ? limit
        : ApiError.InvalidRequest($"limit must be 1 to {most}");
}
