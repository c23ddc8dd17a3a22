using System.Text.RegularExpressions;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.SignIns;

namespace Sendcat.ApiService.Identity.Profiles;

internal sealed record ProfileView(
    string? FullName, string? Email, string? Phone, string? Gender, long? Dob, string? Trn, ProfileAddress? Address)
{
    public static ProfileView Of(Profile profile) =>
        new(profile.FullName, profile.Email, profile.Phone, profile.Gender, profile.Dob, profile.Trn, profile.Address);
}

/// <summary>The complete new profile: omitted fields are cleared.</summary>
internal sealed partial record ProfileChange(
    string? FullName, string? Email, string? Phone, string? Gender, long? Dob, string? Trn, ProfileAddress? Address,
    string? SessionId) : IValidatable
{
    /// <summary>1900-01-01 in milliseconds.</summary>
    private const long EarliestBirth = -2_208_988_800_000;

    /// <summary>2100-01-01 in milliseconds. A later date is a mistake of units.</summary>
    private const long LatestBirth = 4_102_444_800_000;

    public IEnumerable<string> Problems()
    {
        if (Email is not null && (!Email.Contains('@', StringComparison.Ordinal) || !StoredText.Fits(Email, EmailAddress.Longest)))
        {
            yield return "email must contain @";
        }

        if (Trn is not null && !TrnPattern().IsMatch(Trn))
        {
            yield return "trn must look like 123-456-789";
        }

        if (Dob is < EarliestBirth or > LatestBirth)
        {
            yield return "dob must be milliseconds since 1970";
        }

        if (!StoredText.Fits(FullName, 200) || !StoredText.Fits(Phone, 40) || !StoredText.Fits(Gender, 40))
        {
            yield return "fullName, phone or gender is too long";
        }

        string?[] lines = [Address?.StreetAddress, Address?.StreetAddress2, Address?.City, Address?.Parish, Address?.PostalCode];
        if (!lines.All(line => StoredText.Fits(line, 200)))
        {
            yield return "address lines may have 200 characters";
        }

        if (Address is not null
            && (string.IsNullOrWhiteSpace(Address.StreetAddress)
                || string.IsNullOrWhiteSpace(Address.City)
                || string.IsNullOrWhiteSpace(Address.Parish)))
        {
            yield return "address needs streetAddress, city and parish";
        }
    }

    [GeneratedRegex(@"\A[0-9]{3}-[0-9]{3}-[0-9]{3}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 100)]
    private static partial Regex TrnPattern();
}
