namespace Sendcat.Integrations.Mail;

/// <summary>Mails to addresses that somebody registered.</summary>
public static class RegistrationMails
{
    /// <summary>The minimum interval between two of them to one address. Their row is deleted after it.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromDays(1);
}
