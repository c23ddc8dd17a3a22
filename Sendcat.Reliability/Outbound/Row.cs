using System.Text.Json;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.Reliability.Outbound;

/// <summary>
/// Reads the rows of search results. The text is untrusted, because sellers and page authors write it: every text has a maximum length, and
/// every URL is checked by <see cref="WebAddress"/>. Lengths are in UTF-16 code units. A longer text is truncated, never inside a surrogate
/// pair.
/// </summary>
public static class Row
{
    public const int LongestTitle = 300;
    public const int LongestSnippet = 1_000;
    public const int LongestName = 120;
    public const int LongestPrice = 60;
    public const int LongestId = 200;

    /// <summary>The first property of the names that has a valid URL, see <see cref="WebAddress.Of"/>; null without one.</summary>
    public static string? Address(this JsonElement row, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (WebAddress.Of(row.Text(name)) is { } address)
            {
                return address;
            }
        }

        return null;
    }

    public static string? Title(this JsonElement row) => Cut(row.Text("title"), LongestTitle);

    /// <summary>A name or another short text: of a seller, a shop, a condition, a brand.</summary>
    public static string? Name(this JsonElement row, params ReadOnlySpan<string> names) => Cut(row.Text(names), LongestName);

    public static string? Price(this JsonElement row, params ReadOnlySpan<string> names) => Cut(row.Text(names), LongestPrice);

    /// <summary>An id; null when it is too long, because a truncated id could be the id of another row.</summary>
    public static string? Id(this JsonElement row, params ReadOnlySpan<string> names) =>
        row.Text(names) is { Length: <= LongestId } id ? id : null;

    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    public static string? Cut(string? text, int longest) =>
        text is null || text.Length <= longest ? text : TextLimit.Cut(text, longest).TrimEnd();
}
