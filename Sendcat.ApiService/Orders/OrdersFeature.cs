using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.Integrations.Orders;
using Sendcat.Integrations.Parcels;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Orders;

internal static class OrdersFeature
{
    public static IServiceCollection AddOrders(this IServiceCollection services)
    {
        services.AddOrderIntake().AddDraftChanges().AddPackageFeed().AddKnobs<OrderOptions>();
        services.AddSingleton(AccountContent.RowsOf("pre_alerts"));
        services.AddSingleton(AccountContent.RowsOf("evidence"));
        services.AddSingleton(AccountContent.RowsOf("purchase_drafts"));
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
