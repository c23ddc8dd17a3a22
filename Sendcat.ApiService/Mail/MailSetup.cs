namespace Sendcat.ApiService.Mail;

internal static class MailSetup
{
    public static IServiceCollection AddMail(this IServiceCollection services)
    {
        services.AddOptions<MailOptions>().Configure<IConfiguration>((options, configuration) =>
        {
            options.ApiKey = configuration["RESEND_API_KEY"];
            options.BaseUrl = configuration["RESEND_BASE_URL"] is { Length: > 0 } url ? url : options.BaseUrl;
            options.From = configuration["EMAIL_FROM"] is { Length: > 0 } from ? from : options.From;
            options.AppUrl = configuration["APP_URL"] is { Length: > 0 } app ? app : options.AppUrl;
        });
        services.AddHttpClient<ResendClient>(client => client.Timeout = ResendClient.Timeout);
        return services;
    }
}
