using System.Net;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Mail;

namespace Sendcat.ApiService.Identity.SignUps;

/// <summary>
/// Sends reset links in the background. Whether an account exists is looked up here, after the response was sent, so that its timing does
/// not reveal it.
/// </summary>
internal sealed class ResetMails(Outbox outbox, IOptionsMonitor<MailOptions> options, TimeProvider time)
{
    /// <summary>Queues the mail and returns at once. Without an account of this address nothing is sent.</summary>
    public void Enqueue(string email) => outbox.Enqueue((services, cancellationToken) => SendAsync(services, email, cancellationToken));

    private async Task SendAsync(IServiceProvider services, string email, CancellationToken cancellationToken)
    {
        var users = services.GetRequiredService<UserManager<SendcatUser>>();
        if (await users.FindByEmailAsync(email) is not { PasswordHash: not null, Email: { } address } user)
        {
            return;
        }

        var settings = options.CurrentValue;
        var token = await users.GeneratePasswordResetTokenAsync(user);
        var link = settings.LinkTo($"reset-password?token={Uri.EscapeDataString(token)}");
        var mail = new Mail.Mail(
            settings.From,
            address,
            "Reset your Sendcat password",
            $"""<p>Somebody, hopefully you, asked to reset your Sendcat password.</p><p><a href="{WebUtility.HtmlEncode(link)}">Choose a new password</a></p><p>The link works once, for one hour. If it was not you, do nothing.</p>""",
            $"Somebody, hopefully you, asked to reset your Sendcat password.\n\nChoose a new password: {link}\n\nThe link works once, for one hour. If it was not you, do nothing.\n");
        await services.GetRequiredService<ResendClient>().SendAsync(mail, $"reset-{Guid.CreateVersion7(time.GetUtcNow()):N}", cancellationToken);
    }
}
