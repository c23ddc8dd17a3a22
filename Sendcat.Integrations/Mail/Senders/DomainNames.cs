namespace Sendcat.Integrations.Mail.Senders;

/// <summary>
/// Compares domain names. <c>amazon.com.example.org</c>, <c>notamazon.com</c> and <c>аmazon.com</c> are not within <c>amazon.com</c>.
/// </summary>
public static class DomainNames
{
    /// <summary>True for the domain itself and for its proper sub-domains.</summary>
    public static bool IsWithin(string? domain, string parent) =>
        domain is not null
        && domain.EndsWith(parent, StringComparison.OrdinalIgnoreCase)
        && (domain.Length == parent.Length || domain[domain.Length - parent.Length - 1] == '.');

    /// <summary>The part after the last @ in lower case; null: there is none, or it is no domain.</summary>
    public static string? OfAddress(string? address)
    {
        var domain = address?[(address.LastIndexOf('@') + 1)..].Trim().TrimEnd('.', '>').ToLowerInvariant();
        return domain is { Length: > 3 and <= 253 } && address!.Contains('@', StringComparison.Ordinal)
            && domain.Contains('.', StringComparison.Ordinal)
            ? domain
            : null;
    }

    /// <summary>Relaxed alignment: one of the two is the other, or a sub-domain of it.</summary>
    public static bool AreAligned(string? one, string? other) =>
        one is not null && other is not null && one.Contains('.', StringComparison.Ordinal) && other.Contains('.', StringComparison.Ordinal)
        && !IsPublicSuffix(one) && !IsPublicSuffix(other) && (IsWithin(one, other) || IsWithin(other, one));

    /// <summary>
    /// A signature of <paramref name="signer"/> proves a mail from <paramref name="from"/>: they are one domain, or From is a sub-domain of
    /// the signer. A sub-domain does not sign for the domain above it: shops have sub-domains of their platform.
    /// </summary>
    public static bool SignsFor(string? signer, string from) => AreAligned(signer, from) && IsWithin(from, signer!);

    /// <summary>
    /// Second-level domains under which anybody registers: nobody sends mail as one, so one that claims to proves nothing.
    /// </summary>
    private static bool IsPublicSuffix(string domain) =>
        domain.Count(letter => letter == '.') == 1
            && domain.Split('.') is [("com" or "co" or "org" or "net" or "gov" or "edu" or "ac" or "gob" or "ne" or "or"), { Length: 2 }];
}
