using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Mail;

internal static class MailFeature
{
    public static IServiceCollection AddMail(this IServiceCollection services)
    {
        services.AddKnobs<MailOptions>();
        services.AddOptions<MailOptions>().Configure<IConfiguration>((options, configuration) =>
            options.AppUrl = configuration["APP_URL"] is { Length: > 0 } url ? url : options.AppUrl);
        // The resilience pipeline has a timeout per attempt and one in total. It does not retry a POST.
        services.AddHttpClient<ResendClient>(client => client.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(ThirdParty.Handler).AddSendcatResilience();
        services.AddSingleton<Outbox>();
        services.AddHostedService(provider => provider.GetRequiredService<Outbox>());
        return services;
    }
}
