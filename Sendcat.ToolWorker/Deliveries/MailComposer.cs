using System.Net;
using Microsoft.Extensions.Options;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Signing;
using Sendcat.Integrations.Work;

namespace Sendcat.ToolWorker.Deliveries;

/// <summary>
/// Composes mails. The same delivery gives the same mail at each attempt, as long as the account, the settings and this build are the same.
/// The mails contain no text of the person who caused them, because the address may belong to another person. Only those about packages
/// name what the user ordered; they go to confirmed addresses alone.
/// </summary>
internal sealed class MailComposer(
    Recipients recipients, PackageNotices packages, LinkSigner signer, WebApp app, IOptionsMonitor<MailOptions> options)
{
    /// <summary>Notices contain no link that expires. Later than this, they are not sent.</summary>
    private static readonly TimeSpan NoticeLifetime = TimeSpan.FromDays(7);

    /// <summary>Later than this, the status of a package is old news.</summary>
    private static readonly TimeSpan PackageStatusLifetime = TimeSpan.FromDays(2);

    /// <summary>The time after the request at which the mail is too late: its link is no longer valid.</summary>
    public static TimeSpan LifetimeOf(MailKind kind) => kind switch
    {
        MailKind.Welcome => LinkPurpose.ConfirmEmail.Lifetime,
        MailKind.UnfinishedRegistration or MailKind.PasswordReset => LinkPurpose.ResetPassword.Lifetime,
        MailKind.AddressConfirmation => LinkPurpose.ChangeEmail("").Lifetime,
        MailKind.None or MailKind.AddressChanged or MailKind.PasswordChanged or MailKind.GoogleLinked or MailKind.AccountDeleted =>
            NoticeLifetime,
        MailKind.PackageStatus => PackageStatusLifetime,
        _ => throw Unknown(kind),
    };

    /// <returns>
    /// The mail; null: nothing is sent, because the account does not exist, does not need the mail any more, or was changed since the
    /// request in a way that ends its links.
    /// </returns>
    public Task<Mail?> ComposeAsync(Delivery delivery, CancellationToken cancellationToken) => delivery.Kind switch
    {
        MailKind.None => Task.FromResult<Mail?>(null),
        MailKind.Welcome => WelcomeAsync(delivery, cancellationToken),
        MailKind.UnfinishedRegistration => UnfinishedRegistrationAsync(delivery, cancellationToken),
        MailKind.PasswordReset => PasswordResetAsync(delivery, cancellationToken),
        MailKind.AddressConfirmation => AddressConfirmationAsync(delivery, cancellationToken),
        MailKind.AddressChanged => Notice(
            delivery, "Your Sendcat address was changed",
            "The address of your Sendcat account was changed. This address is no longer used."),
        MailKind.PasswordChanged => Notice(
            delivery, "Your Sendcat password was changed",
            "The password of your Sendcat account was changed, and all other sign-ins were ended."),
        MailKind.GoogleLinked => Notice(
            delivery, "Google was linked to your Sendcat account",
            "A Google account was linked to your Sendcat account and can sign in to it from now on."),
        MailKind.AccountDeleted => Notice(
            delivery, "Your Sendcat account was deleted",
            "Your Sendcat account was deleted, with its conversations, favourites, orders and packages."),
        MailKind.PackageStatus => PackageStatusAsync(delivery, cancellationToken),
        _ => throw Unknown(delivery.Kind),
    };

    private async Task<Mail?> WelcomeAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        if (await recipients.FindAsync(delivery.UserId!, cancellationToken) is not { } account
            || !Has(account, delivery.Address)
            || !(account.EmailConfirmed || delivery.HasStamp(account.SecurityStamp)))
        {
            return null;
        }

        var link = app.LinkTo("");
        var (html, text) = account.EmailConfirmed ? ("", "") : ConfirmationOf(account, delivery);
        return new(
            options.CurrentValue.WelcomeFrom,
            delivery.Address,
            "Welcome to Sendcat",
            $"""<p>Welcome to Sendcat. Ask for products, compare them, and follow your parcels.</p>{html}<p><a href="{Encode(link)}">Open Sendcat</a></p><p>If you did not register, do nothing.</p>""",
            "Welcome to Sendcat. Ask for products, compare them, and follow your parcels.\n\n"
                + $"{text}Open Sendcat: {link}\n\nIf you did not register, do nothing.\n");
    }

    private (string Html, string Text) ConfirmationOf(Recipient account, Delivery delivery)
    {
        var link = LinkTo("confirm-email", LinkPurpose.ConfirmEmail, account, delivery);
        return (
            $"""<p><a href="{Encode(link)}">Confirm your address</a></p><p>The link works for seven days.</p>""",
            $"Confirm your address: {link}\n\nThe link works for seven days.\n\n");
    }

    private async Task<Mail?> UnfinishedRegistrationAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        if (await recipients.FindByAddressAsync(delivery.Address, cancellationToken) is not { EmailConfirmed: false } account
            || !delivery.HasStamp(account.SecurityStamp))
        {
            return null;
        }

        var link = LinkTo("reset-password", LinkPurpose.ResetPassword, account, delivery);
        return new(
            options.CurrentValue.From,
            account.Email,
            "Finish your registration at Sendcat",
            $"""<p>Somebody, hopefully you, registered this address at Sendcat again. It was registered before and never confirmed.</p><p><a href="{Encode(link)}">Choose a password and confirm your address</a></p><p>The link works once, for one hour. If it was not you, do nothing.</p>""",
            "Somebody, hopefully you, registered this address at Sendcat again. It was registered before and never confirmed.\n\n"
                + $"Choose a password and confirm your address: {link}\n\n"
                + "The link works once, for one hour. If it was not you, do nothing.\n");
    }

    private async Task<Mail?> PasswordResetAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        if (await recipients.FindByAddressAsync(delivery.Address, cancellationToken) is not { } account
            || !delivery.HasStamp(account.SecurityStamp))
        {
            return null;
        }

        var link = LinkTo("reset-password", LinkPurpose.ResetPassword, account, delivery);
        return new(
            options.CurrentValue.From,
            account.Email,
            "Reset your Sendcat password",
            $"""<p>Somebody, hopefully you, asked to reset your Sendcat password.</p><p><a href="{Encode(link)}">Choose a new password</a></p><p>The link works once, for one hour. If it was not you, do nothing.</p>""",
            "Somebody, hopefully you, asked to reset your Sendcat password.\n\n"
                + $"Choose a new password: {link}\n\n"
                + "The link works once, for one hour. If it was not you, do nothing.\n");
    }

    private async Task<Mail?> AddressConfirmationAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        if (await recipients.FindAsync(delivery.UserId!, cancellationToken) is not { } account
            || !delivery.HasStamp(account.SecurityStamp)
            || await recipients.FindByAddressAsync(delivery.Address, cancellationToken) is not null)
        {
            return null;
        }

        var link = LinkTo("confirm-email-change", LinkPurpose.ChangeEmail(delivery.Address), account, delivery)
            + $"&email={Uri.EscapeDataString(delivery.Address)}";
        return Plain(
            delivery.Address, "Confirm your new Sendcat address",
            "Somebody, hopefully you, asked to use this address for a Sendcat account.",
            ("Use this address", link), "The link works once, for one hour. If it was not you, do nothing.");
    }

    private async Task<Mail?> PackageStatusAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        if (delivery.Package is not { } change
            || await recipients.FindAsync(delivery.UserId!, cancellationToken) is not { EmailConfirmed: true } account
            || !Has(account, delivery.Address)
            || await packages.FindAsync(change.Id, account.UserId, cancellationToken) is not { } package)
        {
            return null;
        }

        var (subject, sentence) = PackageNotice.TextOf(change.Status);
        var link = app.LinkTo("packages");
        string[] facts =
        [
            $"Tracking number: {package.TrackingNumber}",
            $"From: {package.Merchant}",
            $"Contents: {package.Description}",
            .. package.Location is { Length: > 0 } location ? (string[])[$"Location: {location}"] : [],
        ];
        const string Advice = "You can turn these mails off in your preferences.";
        return new(
            options.CurrentValue.From,
            account.Email,
            subject,
            $"""<p>{sentence}</p><p>{string.Join("<br>", facts.Select(Encode))}</p><p><a href="{Encode(link)}">See your packages</a></p><p>{Advice}</p>""",
            $"{sentence}\n\n{string.Join("\n", facts)}\n\nSee your packages: {link}\n\n{Advice}\n");
    }

    private Task<Mail?> Notice(Delivery delivery, string subject, string notice) => Task.FromResult<Mail?>(Plain(
        delivery.Address, subject, notice, ("Open Sendcat", app.LinkTo("")),
        "If it was not you, reset your password at once or write to us."));

    private Mail Plain(string to, string subject, string notice, (string Text, string Address) link, string advice) => new(
        options.CurrentValue.From,
        to,
        subject,
        $"""<p>{notice}</p><p><a href="{Encode(link.Address)}">{link.Text}</a></p><p>{advice}</p>""",
        $"{notice}\n\n{link.Text}: {link.Address}\n\n{advice}\n");

    private string LinkTo(string page, LinkPurpose purpose, Recipient account, Delivery delivery) =>
        app.LinkTo(
            $"{page}?token={Uri.EscapeDataString(signer.Sign(purpose, account.UserId, account.SecurityStamp, delivery.RequestedAt))}");

    private static bool Has(Recipient account, string address) => string.Equals(account.Email, address, StringComparison.OrdinalIgnoreCase);

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private static ArgumentOutOfRangeException Unknown(MailKind kind) => new(nameof(kind), kind, "Unknown mail.");
}
