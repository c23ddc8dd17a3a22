using System.Text;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>JSON text as providers write it: UTF-8 left as it is, only what must be escaped is.</summary>
internal static class Json
{
    /// <summary>System.Text.Json escapes everything beyond the basic plane; real streams carry emoji as raw bytes, and readers must survive a cut inside them.</summary>
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
