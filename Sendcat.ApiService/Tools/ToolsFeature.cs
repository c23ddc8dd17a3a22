using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.ApiService.Tools.SearchGlobal;
using Sendcat.ApiService.Tools.SearchProducts;
using Sendcat.ApiService.Tools.SearchWeb;
using Sendcat.Integrations.Ebay;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Tools;

internal static class ToolsFeature
{
    /// <summary>A live job stays without its principal, because a turn of another user may wait for it too.</summary>
    private static readonly AccountContent JobsOfAccount = new(
        "tool jobs",
        """
        -- delete tool jobs of account
        WITH live AS (
            UPDATE reliability.tool_jobs SET principal = 'deleted' WHERE principal = 'user:' || @user AND status IN ('queued', 'running')
        )
        DELETE FROM reliability.tool_jobs WHERE id IN (
            SELECT id FROM reliability.tool_jobs WHERE principal = 'user:' || @user AND status NOT IN ('queued', 'running') LIMIT 5000)
        """);

    /// <summary>Registers the tools. They are declared to models in the order of registration.</summary>
    public static IServiceCollection AddTools(this IServiceCollection services)
    {
        services.AddKnobs<EbayOptions>();
        return services
            .AddSingleton(JobsOfAccount)
            .AddSingleton<ToolBox>()
            .AddSingleton<ToolLookup>()
            .AddSingleton<EbayCategories>()
            .AddSingleton<ITool, GetCurrentTime>()
            .AddSingleton<ITool, SearchWebTool>()
            .AddSingleton<ITool, SearchProductsTool>()
            .AddSingleton<ITool, SearchGlobalTool>();
    }
}
