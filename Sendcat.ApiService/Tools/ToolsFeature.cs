using Sendcat.ApiService.Tools.SearchGlobal;
using Sendcat.ApiService.Tools.SearchProducts;
using Sendcat.ApiService.Tools.SearchWeb;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound.Ebay;

namespace Sendcat.ApiService.Tools;

internal static class ToolsFeature
{
    /// <summary>Models are told of the tools in this order.</summary>
    public static IServiceCollection AddTools(this IServiceCollection services)
    {
        services.AddKnobs<EbayOptions>();
        return services
            .AddSingleton<ToolBox>()
            .AddSingleton<ToolLookup>()
            .AddSingleton<EbayCategories>()
            .AddSingleton<ITool, GetCurrentTime>()
            .AddSingleton<ITool, SearchWebTool>()
            .AddSingleton<ITool, SearchProductsTool>()
            .AddSingleton<ITool, SearchGlobalTool>();
    }
}
