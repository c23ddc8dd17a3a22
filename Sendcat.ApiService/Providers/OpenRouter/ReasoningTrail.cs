using System.Buffers;
using System.Text;
using System.Text.Json;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// Collects <c>reasoning_details</c> so that they can be sent back to the provider within the turn. Pieces of one text or summary are
/// merged into one entry. Everything else (encrypted blocks, signatures, unknown members) is kept unchanged.
/// </summary>
internal sealed class ReasoningTrail
{
    /// <summary>
    /// Maximum characters. Longer details are not replayed at all, because the provider would refuse an incomplete array.
    /// </summary>
    private const int MaxChars = 1024 * 1024;

    private readonly List<Entry> _entries = [];
    private int _chars;

    /// <summary>Reads one entry. The reader must be at its opening brace and ends at its closing brace.</summary>
    /// <param name="json">The buffer of <paramref name="reader"/>.</param>
    /// <returns>The readable text of the entry; null: there is none.</returns>
    public string? Add(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var piece = new Entry();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = LenientJsonString.Read(ref reader)!;
            reader.Read();
            if (name is "text" or "summary" && reader.TokenType is JsonTokenType.String or JsonTokenType.Null)
            {
                piece.TextName = name;
                piece.Text.Append(LenientJsonString.Read(ref reader));
                continue;
            }

            var from = (int)reader.TokenStartIndex;
            reader.Skip();
            var raw = Encoding.UTF8.GetString(json[from..(int)reader.BytesConsumed]);
            piece.Members.Add((name, raw));
            _chars += raw.Length;
        }

        _chars += piece.Text.Length;
        var text = piece.Text.Length > 0 ? piece.Text.ToString() : null;
        if (_chars <= MaxChars && !Merge(piece))
        {
            _entries.Add(piece);
        }

        return text;
    }

    /// <summary>The array as JSON; null when there is nothing to replay.</summary>
    public string? ToJson()
    {
        if (_entries.Count == 0 || _chars > MaxChars)
        {
            return null;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            foreach (var entry in _entries)
            {
                writer.WriteStartObject();
                foreach (var (name, raw) in entry.Members)
                {
                    writer.WritePropertyName(name);
                    writer.WriteRawValue(raw);
                }

                if (entry.TextName is { } textName)
                {
                    writer.WriteString(textName, entry.Text.ToString());
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>
    /// Merges the piece into the previous entry if both are a text or a summary with the same type and index, and their ids do not differ.
    /// </summary>
    /// <returns>False: the piece is a new entry.</returns>
    private bool Merge(Entry piece)
    {
        if (_entries.Count == 0 || piece.Type is not ("\"reasoning.text\"" or "\"reasoning.summary\""))
        {
            return false;
        }

        var last = _entries[^1];
        if (last.Type != piece.Type
            || last["index"] != piece["index"]
            || (piece["id"] is { } id && last["id"] is { } lastId && id != lastId))
        {
            return false;
        }

        last.TextName ??= piece.TextName;
        last.Text.Append(piece.Text);
        foreach (var (name, raw) in piece.Members.Where(member => member.Raw != "null"))
        {
            last.Set(name, raw);
        }

        return true;
    }

    private sealed class Entry
    {
        public List<(string Name, string Raw)> Members { get; } = [];

        public string? TextName { get; set; }

        public StringBuilder Text { get; } = new();

        public string? Type => this["type"];

        /// <summary>A member as raw JSON; null when it is missing or null.</summary>
        public string? this[string name]
        {
            get
            {
                var raw = Members.Find(member => member.Name == name).Raw;
                return raw == "null" ? null : raw;
            }
        }

        public void Set(string name, string raw)
        {
            var at = Members.FindIndex(member => member.Name == name);
            if (at < 0)
            {
                Members.Add((name, raw));
            }
            else
            {
                Members[at] = (name, raw);
            }
        }
    }
}
