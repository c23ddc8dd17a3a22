using System.Net;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Mail;

namespace Sendcat.ApiService.Identity;

/// <summary>
/// Mails that registering causes, written beside the request: what the address stands for is looked up here, after the answer has gone out. Nothing that the one who registered wrote stands in
/// them: the address may be somebody else's.
/// </summary>
internal sealed class RegistrationMails(Outbox outbox, IOptionsMonitor<MailOptions> options, TimeProvider time)
{
    /// <param name="isNew">False: the address had an account before.</param>
    public void Send(string email, bool isNew) => outbox.Put((services, cancellationToken) => SendAsync(services, email, isNew, cancellationToken));

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

    /// <summary>The account waits for its confirmation, and who chose its password is not known: a new password confirms the address and ends what was begun with the old one.</summary>
    private Mail.Mail Unfinished(string address, string reset) => new(
        options.CurrentValue.From,
        address,
        "Finish your registration at Sendcat",
        $"""<p>Somebody, hopefully you, registered this address at Sendcat again. It was registered before and never confirmed.</p><p><a href="{WebUtility.HtmlEncode(reset)}">Choose a password and confirm your address</a></p><p>The link works once, for one hour. If it was not you, do nothing.</p>""",
        $"Somebody, hopefully you, registered this address at Sendcat again. It was registered before and never confirmed.\n\nChoose a password and confirm your address: {reset}\n\nThe link works once, for one hour. If it was not you, do nothing.\n");
}
