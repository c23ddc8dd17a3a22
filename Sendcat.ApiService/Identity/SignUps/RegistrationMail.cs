using Sendcat.ApiService.Identity.SignIns;

namespace Sendcat.ApiService.Identity.SignUps;

/// <summary>
/// The time of the last registration mail to an address. An address gets at most one a day, regardless of who registers it.
/// </summary>
internal sealed class RegistrationMail
{
    /// <summary>See <see cref="AddressDigests.OfMail"/>.</summary>
    public required string Address { get; init; }

    public DateTimeOffset MailedAt { get; set; }

    /// <summary>
    /// The time of the last registration. Every registration writes it, so that a taken address costs the same commit as a free one.
    /// </summary>
    public DateTimeOffset AskedAt { get; set; }
}
