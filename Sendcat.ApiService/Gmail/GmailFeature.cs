using Sendcat.ApiService.Gmail.Connecting;
using Sendcat.ApiService.Gmail.Pushes;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.Integrations.Gmail;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Gmail;

internal static class GmailFeature
{
    public static IServiceCollection AddGmail(this IServiceCollection services)
    {
        services.AddGmailClient().AddKnobs<GmailPushOptions>();
        services.AddSingleton<ConsentFlows>();
        services.AddSingleton<GmailConnections>();
        services.AddSingleton<ConsentReturn>();
        services.AddSingleton<PushAuthentication>();
        services.AddSingleton<PushedMailboxes>();
        services.AddSingleton(new AccountContent("mailbox", GmailConnections.DeleteOfAccount));
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, GmailJson.Default));
        return services;
    }

    public static void MapGmail(this IEndpointRouteBuilder app)
    {
        FunctionErrors.Group(app).MapGmailEndpoints();
        app.MapGmailPush();
    }
}
