using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Mail;

internal static class MailSetup
{
    public static IServiceCollection AddMail(this IServiceCollection services)
    {
        services.AddKnobs<MailOptions>();
        services.AddOptions<MailOptions>().Configure<IConfiguration>((options, configuration) =>
            options.AppUrl = configuration["APP_URL"] is { Length: > 0 } url ? url : options.AppUrl);
        services.AddHttpClient<ResendClient>(client => client.Timeout = ResendClient.Timeout);
        return services;
    }
}
