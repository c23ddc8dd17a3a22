using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Mail;

internal static class MailSetup
{
    public static IServiceCollection AddMail(this IServiceCollection services)
    {
        services.AddKnobs<MailOptions>();
        services.AddOptions<MailOptions>().Configure<IConfiguration>((options, configuration) =>
            options.AppUrl = configuration["APP_URL"] is { Length: > 0 } url ? url : options.AppUrl);
        // The pipeline bounds each attempt and the whole; it does not try a POST again.
        services.AddHttpClient<ResendClient>(client => client.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(ThirdParty.Handler).AddSendcatResilience();
        services.AddSingleton<Outbox>();
        services.AddHostedService(provider => provider.GetRequiredService<Outbox>());
        return services;
    }
}
