using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.Integrations.Orders;

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

    public static IServiceCollection AddOrders(this IServiceCollection services) =>
        services.AddOrderIntake().AddSingleton(EvidenceOfAccount).AddSingleton(DraftsOfAccount);
}
