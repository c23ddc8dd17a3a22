using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.AccountChanges;

namespace Sendcat.ApiService.WhatsApp;

internal static class WhatsAppFeature
{
    /// <summary>
    /// The link, the messages of the linked phone that are not read yet, and the replies to it. Further ones find no link.
    /// </summary>
    private static readonly AccountContent MessagesOfAccount = new(
        "messages",
        """
        -- delete messages of account
        WITH link AS (DELETE FROM whatsapp_links WHERE user_id = @user RETURNING phone, business_user_id),
            changes AS (DELETE FROM whatsapp_number_changes WHERE present IN (SELECT phone FROM link))
        DELETE FROM reliability.tool_jobs WHERE tool = 'messages' AND principal IN (
            SELECT 'whatsapp:' || identity FROM link, unnest(ARRAY[phone, business_user_id]) identity WHERE identity IS NOT NULL)
        """);

    public static IServiceCollection AddWhatsApp(this IServiceCollection services)
    {
        services.AddSingleton<WhatsAppInbox>().AddSingleton(MessagesOfAccount);
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, WhatsAppJson.Default));
        return services;
    }

    public static void MapWhatsApp(this IEndpointRouteBuilder app)
    {
        FunctionErrors.Group(app).MapLinks();
        app.MapWebhook();
    }
}
