using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Sendcat.UpstreamEmulator.OpenRouter.Markers;

/// <summary>
/// Finds <c>[[emu key=value flag key="quoted value" key={"json":1}]]</c> in a text. A misspelt marker is an error, not a normal answer: a test that asks for a fault must not pass without it.
/// </summary>
internal static class MarkerParser
{
    private const string Open = "[[emu";

    /// <returns>The blocks in order, and the text without them.</returns>
    /// <exception cref="FormatException">Says what is wrong.</exception>
    public static (IReadOnlyList<MarkerBlock> Blocks, string Others) Parse(string text)
    {
        if (!text.Contains(Open, StringComparison.Ordinal))
        {
            return ([], text);
        }

        var blocks = new List<MarkerBlock>();
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

    private static MarkerBlock ReadBlock(string text, int open, ref int at)
    {
        string? model = null, key = null;
        int? call = null, times = null;
        var settings = new List<(Marker, string)>();
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
                return new(model, call, times, key, settings, text[open..at]);
            }

            var name = ReadName(text, ref at);
            var value = at < text.Length && text[at] == '=' ? ReadValue(text, ref at) : "";
            switch (name)
            {
                case "model": model = value; break;
                case "key": key = value; break;
                case "call": call = Number(name, value); break;
                case "times": times = Number(name, value); break;
                case "status-once": settings.Add((MarkerTable.Find("status"), value)); times ??= 1; break;
                default: settings.Add((MarkerTable.Find(name), value)); break;
            }
        }
    }

    private static int Number(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException($"{name}={value} is not a number");

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

    /// <summary>A JSON value may hold spaces and brackets; a JSON string gives its content.</summary>
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
                return document.RootElement.ValueKind == JsonValueKind.String ? document.RootElement.GetString()! : document.RootElement.GetRawText();
            }
        }
        catch (JsonException e)
        {
            throw new FormatException($"a value of a marker block is not valid: {e.Message}", e);
        }
    }
}
