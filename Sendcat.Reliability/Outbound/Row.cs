using System.Text.Json;

namespace Sendcat.Reliability.Outbound;

/// <summary>
/// Reads the rows of search results. Whoever sells something, or has a page, writes them: every text has a longest length, every address is one that may be followed. Lengths are in characters, a text
/// that is longer is cut, never in the middle of a character.
/// </summary>
public static class Row
{
    public const int LongestTitle = 300;
    public const int LongestSnippet = 1_000;
    public const int LongestName = 120;
    public const int LongestPrice = 60;
    public const int LongestId = 200;

    /// <summary>The first of the names that holds an address that may be followed.</summary>
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

    /// <summary>A name or another short word: of a seller, a shop, a condition, a brand.</summary>
    public static string? Name(this JsonElement row, params ReadOnlySpan<string> names) => Cut(row.Text(names), LongestName);

    public static string? Price(this JsonElement row, params ReadOnlySpan<string> names) => Cut(row.Text(names), LongestPrice);

    /// <summary>A longer one is none: cut, it would be another's.</summary>
    public static string? Id(this JsonElement row, params ReadOnlySpan<string> names) => row.Text(names) is { Length: <= LongestId } id ? id : null;

    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    public static string? Cut(string? text, int longest) =>
        text is null || text.Length <= longest ? text : text[..(char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest)].TrimEnd();
}
