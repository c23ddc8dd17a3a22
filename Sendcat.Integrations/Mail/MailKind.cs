using System.Text.Json.Serialization;

namespace Sendcat.Integrations.Mail;

/// <summary>The mails that Sendcat sends.</summary>
public enum MailKind
{
    /// <summary>
    /// No mail. A registration that may send none because the address got one within a day enqueues this job, so that it costs the same as
    /// one that sends a mail.
    /// </summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>The first mail to a new account, with a link that confirms the address unless it is confirmed already.</summary>
    [JsonStringEnumMemberName("welcome")]
    Welcome,

    /// <summary>
    /// An address with an account was registered again. Only an account that was never confirmed gets a mail: with a link that sets a new
    /// password, because its present one may be that of another person.
    /// </summary>
    [JsonStringEnumMemberName("unfinished_registration")]
    UnfinishedRegistration,

    /// <summary>A link that sets a new password. An address without an account gets no mail.</summary>
    [JsonStringEnumMemberName("password_reset")]
    PasswordReset,

    /// <summary>A link that gives the account this address. An address that has an account gets no mail.</summary>
    [JsonStringEnumMemberName("address_confirmation")]
    AddressConfirmation,

    /// <summary>The notice to the former address that the account has another one.</summary>
    [JsonStringEnumMemberName("address_changed")]
    AddressChanged,

    /// <summary>The notice that the password was changed.</summary>
    [JsonStringEnumMemberName("password_changed")]
    PasswordChanged,

    /// <summary>The notice that a Google account was linked.</summary>
    [JsonStringEnumMemberName("google_linked")]
    GoogleLinked,

    /// <summary>The notice that the account was deleted.</summary>
    [JsonStringEnumMemberName("account_deleted")]
    AccountDeleted,

    /// <summary>
    /// The status of a package has changed, or the package has become the user's. Only a user with a confirmed address who has not turned
    /// these mails off gets one.
    /// </summary>
    [JsonStringEnumMemberName("package_status")]
    PackageStatus,
}
