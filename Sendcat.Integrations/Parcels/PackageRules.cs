namespace Sendcat.Integrations.Parcels;

/// <summary>The states of packages and the form of their tracking numbers.</summary>
public static class PackageRules
{
    private const int ShortestNumber = 8;
    private const int LongestNumber = 40;

    /// <summary>In the order in which a package passes through them.</summary>
    public static readonly IReadOnlyList<string> Statuses = ["warehouse", "in_transit", "ready_for_pickup", "delivered"];

    /// <summary>Upper case, without blanks and hyphens; null: not 8 to 40 letters and digits.</summary>
    public static string? Normalize(string? number)
    {
        if (number is null || number.Length > 2 * LongestNumber)
        {
            return null;
        }

        var compact = string.Concat(number.Where(letter => letter is not (' ' or '-' or '\u00A0'))).ToUpperInvariant();
        return compact.Length is >= ShortestNumber and <= LongestNumber && compact.All(char.IsAsciiLetterOrDigit) ? compact : null;
    }
}
