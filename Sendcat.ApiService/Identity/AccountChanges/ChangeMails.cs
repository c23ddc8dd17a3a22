using System.Net;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Mail;

namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary>Sends the mails of account changes in the background, after the response.</summary>
internal sealed class ChangeMails(Outbox outbox, IOptionsMonitor<MailOptions> options, TimeProvider time)
{
    /// <summary>Queues the link that confirms a new address. An address that has an account gets no mail.</summary>
    public void EnqueueConfirmation(string userId, string newEmail) => outbox.Enqueue(async (services, cancellationToken) =>
    {
        var users = services.GetRequiredService<UserManager<SendcatUser>>();
        if (await users.FindByIdAsync(userId) is not { } user || await users.FindByEmailAsync(newEmail) is not null)
        {
            return;
        }

        var token = await users.GenerateChangeEmailTokenAsync(user, newEmail);
        var link = options.CurrentValue.LinkTo($"confirm-email-change?token={Uri.EscapeDataString(token)}&email={Uri.EscapeDataString(newEmail)}");
        await SendAsync(
            services, newEmail, "Confirm your new Sendcat address",
            "Somebody, hopefully you, asked to use this address for a Sendcat account.", ("Use this address", link),
            "The link works once, for one hour. If it was not you, do nothing.", cancellationToken);
    });

    /// <summary>Queues the notice that the address of the account is another one now.</summary>
    /// <param name="oldEmail">Where the notice goes.</param>
    public void EnqueueAddressChanged(string oldEmail) => Notify(
        oldEmail, "Your Sendcat address was changed", "The address of your Sendcat account was changed. This address is no longer used.");

    /// <summary>Queues the notice that the password was changed.</summary>
    public void EnqueuePasswordChanged(string email) => Notify(
        email, "Your Sendcat password was changed", "The password of your Sendcat account was changed, and all other sign-ins were ended.");

    /// <summary>Queues the notice that the account was deleted.</summary>
    public void EnqueueDeleted(string email) => Notify(
        email, "Your Sendcat account was deleted", "Your Sendcat account was deleted, with its conversations, favourites and packages.");

    private void Notify(string to, string subject, string notice) => outbox.Enqueue((services, cancellationToken) => SendAsync(
        services, to, subject, notice, ("Open Sendcat", options.CurrentValue.LinkTo("")),
        "If it was not you, reset your password at once or write to us.", cancellationToken));

    private async Task SendAsync(
        IServiceProvider services, string to, string subject, string notice, (string Text, string Address) link, string advice,
        CancellationToken cancellationToken)
    {
        var mail = new Mail.Mail(
            options.CurrentValue.From,
            to,
            subject,
            $"""<p>{notice}</p><p><a href="{WebUtility.HtmlEncode(link.Address)}">{link.Text}</a></p><p>{advice}</p>""",
            $"{notice}\n\n{link.Text}: {link.Address}\n\n{advice}\n");
        await services.GetRequiredService<ResendClient>().SendAsync(mail, $"account-{Guid.CreateVersion7(time.GetUtcNow()):N}", cancellationToken);
    }
}
