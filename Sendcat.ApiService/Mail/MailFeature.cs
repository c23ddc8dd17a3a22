namespace Sendcat.ApiService.Mail;

internal static class MailFeature
{
    public static IServiceCollection AddMail(this IServiceCollection services) => services.AddScoped<OutgoingMails>();
}
