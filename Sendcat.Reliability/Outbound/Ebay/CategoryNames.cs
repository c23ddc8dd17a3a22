namespace Sendcat.Reliability.Outbound.Ebay;

/// <summary>How the names of categories are compared, by those who keep them and those who look for one.</summary>
public static class CategoryNames
{
    /// <returns>Lower case, letters and digits, single spaces.</returns>
    public static string Normalized(string name) => string.Join(' ', Words(name));

    public static string[] Words(string name) =>
        string.Concat(name.ToLowerInvariant().Select(letter => char.IsLetterOrDigit(letter) ? letter : ' ')).Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
