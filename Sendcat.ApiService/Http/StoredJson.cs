using System.Text.Json;

namespace Sendcat.ApiService.Http;

/// <summary>Rules for untrusted JSON that is stored in a <c>jsonb</c> column: rejects what Postgres cannot store.</summary>
internal static class StoredJson
{
    /// <summary>
    /// True for an object of at most <paramref name="maxLength"/> characters without NUL characters, halves of surrogate pairs, and numbers
    /// outside the range of a double.
    /// </summary>
    public static bool IsObject(JsonElement json, int maxLength) =>
        json.ValueKind is JsonValueKind.Object && json.GetRawText().Length <= maxLength && Fits(json);

    private static bool Fits(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().All(property => Fits(() => property.Name) && Fits(property.Value)),
        JsonValueKind.Array => json.EnumerateArray().All(Fits),
        JsonValueKind.String => Fits(json.GetString),
        JsonValueKind.Number => json.TryGetDouble(out var number) && double.IsFinite(number),
        _ => true,
    };

    private static bool Fits(Func<string?> text)
    {
        try
        {
            return text()?.Contains('\0', StringComparison.Ordinal) is not true;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair is found only when the text is read.
            return false;
        }
    }
}
