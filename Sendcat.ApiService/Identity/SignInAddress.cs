namespace Sendcat.ApiService.Identity;

/// <summary>A network address from which a user has signed in: the right password gets in from there, however many wrong ones were tried.</summary>
internal sealed class SignInAddress
{
    public required string UserId { get; init; }

    /// <summary>See <see cref="AddressDigests.OfClient"/>.</summary>
    public required string Address { get; init; }

    public DateTimeOffset LastUsedAt { get; set; }
}
