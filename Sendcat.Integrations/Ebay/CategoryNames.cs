namespace Sendcat.Integrations.Ebay;

/// <summary>Normalizes category names. Storing and searching use the same form, so that names can be compared.</summary>
public static class CategoryNames
{
    /// <returns>Lower case, letters and digits, single spaces.</returns>
    public static string Normalized(string name) => string.Join(' ', Words(name));

    public static string[] Words(string name) =>
        string.Concat(name.ToLowerInvariant().Select(letter => char.IsLetterOrDigit(letter) ? letter : ' '))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
