using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.Reliability.Outbound;

/// <summary>Reads untrusted JSON: a property that is missing or has another kind is null.</summary>
public static class UpstreamJson
{
    public static JsonElement? Part(this JsonElement element, string name) =>
        element.TryGetPart(name, out var part) && part.ValueKind is not JsonValueKind.Null ? part : null;

    /// <summary>
    /// A property of an object; of several with the name the last one. Other than
    /// <see cref="JsonElement.TryGetProperty(string, out JsonElement)"/> it does not throw when the name of another property has a lone
    /// surrogate.
    /// </summary>
    public static bool TryGetPart(this JsonElement element, string name, out JsonElement part)
    {
        part = default;
        if (element.ValueKind is not JsonValueKind.Object)
        {
            return false;
        }

        try
        {
            return element.TryGetProperty(name, out part);
        }
        catch (InvalidOperationException)
        {
            var found = false;
            var bytes = Encoding.UTF8.GetBytes(name);
            foreach (var property in element.EnumerateObject())
            {
                if (JsonMarshal.GetRawUtf8PropertyName(property).SequenceEqual(bytes))
                {
                    (part, found) = (property.Value, true);
                }
            }

            return found;
        }
    }

    public static IEnumerable<JsonElement> Items(this JsonElement element, string name) =>
        element.Part(name) is { ValueKind: JsonValueKind.Array } items ? items.EnumerateArray() : [];

    /// <summary>
    /// The first property of the names that has a text that is not blank, or a number. The text is trimmed, without characters that
    /// Postgres cannot store: U+0000 and lone surrogates.
    /// </summary>
    public static string? Text(this JsonElement element, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            var text = element.Part(name) switch
            {
                { ValueKind: JsonValueKind.String } part => StorableText.Strip(LenientJsonString.Read(part)).Trim(),
                { ValueKind: JsonValueKind.Number } part => part.GetRawText(),
                _ => "",
            };
            if (text.Length > 0)
            {
                return text;
            }
        }

        return null;
    }

    public static double? Number(this JsonElement element, params ReadOnlySpan<string> names) =>
        double.TryParse(element.Text(names), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? number
            : null;

    public static int? Count(this JsonElement element, params ReadOnlySpan<string> names) =>
        element.Number(names) is >= 0 and <= int.MaxValue and var number ? (int)number : null;
}
