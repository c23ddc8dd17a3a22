using Sendcat.ApiService.Tools.SearchGlobal;
using Sendcat.ApiService.Tools.SearchProducts;
using Sendcat.ApiService.Tools.SearchWeb;
using Sendcat.Integrations.Ebay;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Tools;

internal static class ToolsFeature
{
    /// <summary>Registers the tools. They are declared to models in the order of registration.</summary>
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
