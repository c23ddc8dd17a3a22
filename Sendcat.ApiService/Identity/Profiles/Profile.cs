namespace Sendcat.ApiService.Identity.Profiles;

/// <summary>
/// The personal data of a user or guest. <see cref="SessionId"/> is the key of the row: <c>auth-&lt;userId&gt;</c> for a user, the session
/// id for a guest.
/// </summary>
internal sealed class Profile
{
    public required Guid Id { get; init; }

    public required string SessionId { get; init; }

    public string? UserId { get; init; }

    public string? FullName { get; set; }

    public string? Email { get; set; }

    public string? Phone { get; set; }

    public string? Gender { get; set; }

    /// <summary>Date of birth, milliseconds since 1970.</summary>
    public long? Dob { get; set; }

    /// <summary>Taxpayer registration number, <c>ddd-ddd-ddd</c>.</summary>
    public string? Trn { get; set; }

    public ProfileAddress? Address { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The row key of a user. Its prefix is reserved, so that no guest can use it as a session id.</summary>
    public static string RowOf(string userId) => $"{ReservedPrefix}{userId}";

    public const string ReservedPrefix = "auth-";
}

internal sealed class ProfileAddress
{
    public string? StreetAddress { get; init; }

    public string? StreetAddress2 { get; init; }

    public string? City { get; init; }

    public string? Parish { get; init; }

    public string? PostalCode { get; init; }
}
