namespace Sendcat.ApiService.Identity;

/// <summary>When registering last caused a mail to an address, whoever asked: one a day at most.</summary>
internal sealed class RegistrationMail
{
    /// <summary>See <see cref="AddressDigests.OfMail"/>.</summary>
    public required string Address { get; init; }

    public DateTimeOffset MailedAt { get; set; }

    /// <summary>Written by every registration, so that one of a taken address commits like one of a free address.</summary>
    public DateTimeOffset AskedAt { get; set; }
}
