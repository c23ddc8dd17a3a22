using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.Integrations.Orders;
using Sendcat.Integrations.Parcels;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Orders;

internal static class OrdersFeature
{
    private static readonly AccountContent EvidenceOfAccount = new(
        "evidence",
        """
        -- delete evidence of account
        DELETE FROM evidence WHERE id IN (SELECT id FROM evidence WHERE user_id = @user LIMIT 5000)
        """);

    private static readonly AccountContent DraftsOfAccount = new(
        "drafts",
        """
        -- delete drafts of account
        DELETE FROM purchase_drafts WHERE id IN (SELECT id FROM purchase_drafts WHERE user_id = @user LIMIT 5000)
        """);

    public static IServiceCollection AddOrders(this IServiceCollection services)
    {
        services.AddOrderIntake().AddDraftChanges().AddPackageFeed().AddKnobs<OrderOptions>();
        services.AddSingleton(EvidenceOfAccount).AddSingleton(DraftsOfAccount);
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, OrdersJson.Default));
        return services;
    }

    public static void MapOrders(this IEndpointRouteBuilder app)
    {
        var functions = FunctionErrors.Group(app);
        functions.MapDrafts();
        functions.MapPreAlerts();
        functions.MapEvidence();
        functions.MapPreferences();
    }
}
