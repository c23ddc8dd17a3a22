using System.Text.Json;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.ToolWorker.SearchGlobal;

/// <summary>Executes <c>search_global</c>.</summary>
internal sealed class SearchGlobalHandler(GlobalSearch global) : IToolHandler
{
    public ToolLane Lane => QueuedTool.SearchGlobal.Lane;

    public async Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken)
    {
        if (JsonSerializer.Deserialize(arguments, ToolJson.Default.SearchGlobalArguments) is not { Query.Length: > 0 } request)
        {
            return new ToolResult.Failed("search_global was asked nothing.", Retryable: false);
        }

        var response = await global.SearchAsync(request.Query, request.Limit, request.Location, CancellationToken.None, cancellationToken);
        if (!response.IsSuccess)
        {
            return ToolResult.Of(response.Error);
        }

        var result = new ProductsResult(Lane.Tool, response.Value, 0, response.Value.Count, []);
        return new ToolResult.Done(JsonSerializer.Serialize(result, ToolJson.Default.ProductsResult), Cacheable: response.Value.Count > 0);
    }
}

internal static class SearchGlobalFeature
{
    public static IServiceCollection AddSearchGlobal(this IServiceCollection services) =>
        services.AddSingleton<GlobalSearch>().AddSingleton<IToolHandler, SearchGlobalHandler>();
}
