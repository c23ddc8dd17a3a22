using System.Net;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Mail;

namespace Sendcat.ApiService.Identity;

/// <summary>Greets a new user. Nothing that the one who registered wrote stands in the mail: the address may be somebody else's.</summary>
internal sealed class WelcomeMails(Outbox outbox, IOptionsMonitor<MailOptions> options)
{
    public void Send(string userId, string address)
    {
        var settings = options.CurrentValue;
        var link = settings.LinkTo("");
        var mail = new Mail.Mail(
            settings.WelcomeFrom,
            address,
            "Welcome to Sendcat",
            $"""<p>Welcome to Sendcat. Ask for products, compare them, and follow your parcels.</p><p><a href="{WebUtility.HtmlEncode(link)}">Open Sendcat</a></p><p>If you did not register, do nothing.</p>""",
            $"Welcome to Sendcat. Ask for products, compare them, and follow your parcels.\n\nOpen Sendcat: {link}\n\nIf you did not register, do nothing.\n");
        outbox.Put((services, cancellationToken) => services.GetRequiredService<ResendClient>().SendAsync(mail, $"welcome-{userId}", cancellationToken));
    }
}
