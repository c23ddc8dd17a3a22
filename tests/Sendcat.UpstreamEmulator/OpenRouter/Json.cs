using System.Text;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>Writes JSON text as providers do: it escapes only what JSON requires, and leaves other characters as UTF-8.</summary>
internal static class Json
{
    /// <summary>
    /// Returns the text as a JSON string, or <c>null</c>. System.Text.Json escapes every character outside the basic plane. Real streams
    /// contain emoji as UTF-8 bytes, and a reader must handle a network read that ends inside such a character.
    /// </summary>
    public static string Quote(string? text)
    {
        if (text is null)
        {
            return "null";
        }

        var json = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
        {
            switch (c)
            {
                case '"': json.Append("\\\""); break;
                case '\\': json.Append("\\\\"); break;
                case '\n': json.Append("\\n"); break;
                case '\r': json.Append("\\r"); break;
                case '\t': json.Append("\\t"); break;
                case < ' ': json.Append($"\\u{(int)c:x4}"); break;
                default: json.Append(c); break;
            }
        }

        return json.Append('"').ToString();
    }
}
