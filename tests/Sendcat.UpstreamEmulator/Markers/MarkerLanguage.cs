using System.Text;
using System.Text.Json;

namespace Sendcat.UpstreamEmulator.Markers;

/// <summary>
/// Parses <c>[[emu key=value flag key="quoted value" key={"json":1}]]</c> blocks in a text.
/// A misspelt marker is an error, because a test that requests a fault must not pass without the fault.
/// </summary>
/// <param name="markers">The settings that a block may contain.</param>
/// <param name="conditions">The conditions that a block may contain, each with a check that throws <see cref="FormatException"/>.</param>
internal sealed class MarkerLanguage<T>(IEnumerable<Marker<T>> markers, IReadOnlyDictionary<string, Action<string>> conditions)
{
    private const string Open = "[[emu";

    private readonly Dictionary<string, Marker<T>> _byName = markers.ToDictionary(m => m.Name, StringComparer.Ordinal);

    /// <summary>Every name that a block may contain, conditions included.</summary>
    public IEnumerable<string> Names => _byName.Keys.Concat(conditions.Keys).Concat(["times", "key", "status-once"]);

    /// <returns>The blocks in order, and the text without them.</returns>
    /// <exception cref="FormatException">A block is not valid. The message describes the error.</exception>
    public (IReadOnlyList<MarkerBlock<T>> Blocks, string Others) Parse(string text)
    {
        if (!text.Contains(Open, StringComparison.Ordinal))
        {
            return ([], text);
        }

        var blocks = new List<MarkerBlock<T>>();
        var rest = new StringBuilder();
        var at = 0;
        for (int open; (open = text.IndexOf(Open, at, StringComparison.Ordinal)) >= 0;)
        {
            rest.Append(text, at, open - at);
            at = open + Open.Length;
            blocks.Add(ReadBlock(text, open, ref at));
        }

        rest.Append(text, at, text.Length - at);
        return (blocks, rest.ToString().Trim());
    }

    private MarkerBlock<T> ReadBlock(string text, int open, ref int at)
    {
        var conditionValues = new Dictionary<string, string>(StringComparer.Ordinal);
        string? key = null;
        int? times = null;
        var settings = new List<(Marker<T>, string)>();
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
            {
                at++;
            }

            if (at >= text.Length)
            {
                throw new FormatException("a marker block has no ]]");
            }

            if (text.AsSpan(at).StartsWith("]]"))
            {
                at += 2;
                return new(conditionValues, times, key, settings, text[open..at]);
            }

            var name = ReadName(text, ref at);
            var value = at < text.Length && text[at] == '=' ? ReadValue(text, ref at) : "";
            switch (name)
            {
                case "key": key = value; break;
                case "times": times = MarkerValues.Number(value); break;
                case "status-once": settings.Add((Find("status"), value)); times ??= 1; break;
                case var condition when conditions.TryGetValue(condition, out var check):
                    check(value);
                    conditionValues[condition] = value;
                    break;
                default: settings.Add((Find(name), value)); break;
            }
        }
    }

    private Marker<T> Find(string name) =>
        _byName.TryGetValue(name, out var marker) ? marker : throw new FormatException($"there is no marker '{name}'");

    private static string ReadName(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] == '-'))
        {
            at++;
        }

        return at > start ? text[start..at] : throw new FormatException($"unexpected '{text[at]}' in a marker block");
    }

    private static string ReadValue(string text, ref int at)
    {
        at++; // the equals sign
        if (at < text.Length && text[at] is '"' or '{' or '[')
        {
            return ReadJson(text, ref at);
        }

        var start = at;
        while (at < text.Length && !char.IsWhiteSpace(text[at]) && !text.AsSpan(at).StartsWith("]]"))
        {
            at++;
        }

        return text[start..at];
    }

    /// <summary>Reads a JSON value, which may contain spaces and brackets. For a JSON string it returns the content.</summary>
    private static string ReadJson(string text, ref int at)
    {
        var bytes = Encoding.UTF8.GetBytes(text[at..]);
        var reader = new Utf8JsonReader(bytes, isFinalBlock: false, default);
        try
        {
            if (!JsonDocument.TryParseValue(ref reader, out var document))
            {
                throw new FormatException("a value of a marker block has no end");
            }

            using (document)
            {
                at += Encoding.UTF8.GetCharCount(bytes.AsSpan(0, (int)reader.BytesConsumed));
                return document.RootElement.ValueKind == JsonValueKind.String
                    ? document.RootElement.GetString()!
                    : document.RootElement.GetRawText();
            }
        }
        catch (JsonException e)
        {
            throw new FormatException($"a value of a marker block is not valid: {e.Message}", e);
        }
    }
}
