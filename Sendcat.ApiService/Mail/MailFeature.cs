using Sendcat.ApiService.Mail.Resend;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Mail;

internal static class MailFeature
{
    public static IServiceCollection AddMail(this IServiceCollection services) =>
        services.AddKnobs<ResendWebhookOptions>().AddScoped<OutgoingMails>();

    public static void MapMail(this IEndpointRouteBuilder app) => app.MapResend();
}
