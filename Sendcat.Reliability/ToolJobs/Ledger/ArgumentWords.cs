using System.Text.Encodings.Web;

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>The search for words in the arguments of dead letters, by an index of Postgres.</summary>
public static class ArgumentWords
{
    // Not more than 20 000 characters, because a text with too many words would make the insert fail. ASCII punctuation separates words,
    // whatever the locale of the database.
    internal const string CreateFunction = """
        CREATE FUNCTION reliability.words_of(text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
            SELECT to_tsvector('simple'::regconfig, regexp_replace(left($1, 20000), '[!-/:-@\[-`{-~]+', ' ', 'g'))
        $$;
        """;

    internal const string DropFunction = "DROP FUNCTION reliability.words_of(text);";

    /// <summary>Whether the text has a word to search for.</summary>
    public static bool Any(string text) => Split(text).Any();

    /// <summary>
    /// A text search query: every word must occur, at least as the beginning of a word. Arguments may contain characters beyond ASCII
    /// as they are or as escapes of JSON, so that both are searched for.
    /// </summary>
    internal static string QueryOf(string text) => string.Join(" & ", Split(text).Select(word =>
    {
        var escaped = JavaScriptEncoder.Default.Encode(word);
        return escaped == word ? Prefix(word) : $"({Prefix(word)} | ({string.Join(" & ", Split(escaped).Select(Prefix))}))";
    }));

    private static string Prefix(string word) => $"'{word}':*";

    private static IEnumerable<string> Split(string text) =>
        text.Split([.. text.Where(IsSeparator).Distinct()], StringSplitOptions.RemoveEmptyEntries);

    private static bool IsSeparator(char character) =>
        char.IsControl(character) || char.IsWhiteSpace(character) || (char.IsAscii(character) && !char.IsAsciiLetterOrDigit(character));
}
