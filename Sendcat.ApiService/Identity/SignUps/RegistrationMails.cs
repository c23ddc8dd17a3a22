using System.Net;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Mail;

namespace Sendcat.ApiService.Identity.SignUps;

/// <summary>
/// Sends the mails of registrations in the background: the account is looked up here, after the response was sent. The mails contain no
/// text of the person who registered, because the address may belong to another person.
/// </summary>
internal sealed class RegistrationMails(Outbox outbox, IOptionsMonitor<MailOptions> options, TimeProvider time)
{
    /// <summary>Queues the mail and returns at once.</summary>
    /// <param name="email">The address that was registered.</param>
    /// <param name="isNew">False: the address had an account before.</param>
    public void Enqueue(string email, bool isNew) =>
        outbox.Enqueue((services, cancellationToken) => SendAsync(services, email, isNew, cancellationToken));

    private async Task SendAsync(IServiceProvider services, string email, bool isNew, CancellationToken cancellationToken)
    {
        var users = services.GetRequiredService<UserManager<SendcatUser>>();
        if (await users.FindByEmailAsync(email) is not { Email: { } address } user || (user.EmailConfirmed && !isNew))
        {
            return;
        }

        var (mail, key) = isNew
            ? (user.EmailConfirmed ? Welcome(address, null) : Welcome(address, Link("confirm-email", await users.GenerateEmailConfirmationTokenAsync(user))), $"welcome-{user.Id}")
            : (Unfinished(address, Link("reset-password", await users.GeneratePasswordResetTokenAsync(user))), $"registration-{Guid.CreateVersion7(time.GetUtcNow()):N}");
        await services.GetRequiredService<ResendClient>().SendAsync(mail, key, cancellationToken);
    }

    private string Link(string page, string token) => options.CurrentValue.LinkTo($"{page}?token={Uri.EscapeDataString(token)}");

    private Mail.Mail Welcome(string address, string? confirmation)
    {
        var settings = options.CurrentValue;
        var link = settings.LinkTo("");
        var (html, text) = confirmation is null ? ("", "") : (
            $"""<p><a href="{WebUtility.HtmlEncode(confirmation)}">Confirm your address</a></p><p>The link works for seven days.</p>""",
            $"Confirm your address: {confirmation}\n\nThe link works for seven days.\n\n");
        return new(
            settings.WelcomeFrom,
            address,
            "Welcome to Sendcat",
            $"""<p>Welcome to Sendcat. Ask for products, compare them, and follow your parcels.</p>{html}<p><a href="{WebUtility.HtmlEncode(link)}">Open Sendcat</a></p><p>If you did not register, do nothing.</p>""",
            $"Welcome to Sendcat. Ask for products, compare them, and follow your parcels.\n\n{text}Open Sendcat: {link}\n\nIf you did not register, do nothing.\n");
    }

    /// <summary>
    /// The mail for an account that is not confirmed. Its password may have been chosen by another person, so the link sets a new password,
    /// which confirms the address and revokes all sign-ins.
    /// </summary>
    private Mail.Mail Unfinished(string address, string reset) => new(
        options.CurrentValue.From,
        address,
        "Finish your registration at Sendcat",
        $"""<p>Somebody, hopefully you, registered this address at Sendcat again. It was registered before and never confirmed.</p><p><a href="{WebUtility.HtmlEncode(reset)}">Choose a password and confirm your address</a></p><p>The link works once, for one hour. If it was not you, do nothing.</p>""",
        $"Somebody, hopefully you, registered this address at Sendcat again. It was registered before and never confirmed.\n\nChoose a password and confirm your address: {reset}\n\nThe link works once, for one hour. If it was not you, do nothing.\n");
}
