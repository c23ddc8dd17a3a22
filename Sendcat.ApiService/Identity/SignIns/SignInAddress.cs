namespace Sendcat.ApiService.Identity.SignIns;

/// <summary>
/// A network address from which a user has signed in. From there the correct password is accepted regardless of the number of wrong ones.
/// </summary>
internal sealed class SignInAddress
{
    public required string UserId { get; init; }

    /// <summary>See <see cref="AddressDigests.OfClient"/>.</summary>
    public required string Address { get; init; }

    public DateTimeOffset LastUsedAt { get; set; }
}
