using System.Text.Json;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Tools;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.ToolWorker.SearchGlobal;

/// <summary>Answers <c>search_global</c>.</summary>
internal sealed class SearchGlobalHandler(GlobalSearch global) : IToolHandler
{
    public ToolLane Lane => ToolLane.SearchGlobal;

    public async Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken)
    {
        if (JsonSerializer.Deserialize(arguments, ToolJson.Default.SearchGlobalArguments) is not { Query.Length: > 0 } asked)
        {
            return new ToolResult.Refused("search_global was asked nothing.", Retryable: false);
        }

        var answer = await global.SearchAsync(asked.Query, asked.Limit, asked.Location, CancellationToken.None, cancellationToken);
        if (!answer.IsGood)
        {
            return ToolResult.Of(answer.Error);
        }

        var result = new ProductsResult(Lane.Tool, answer.Value, 0, answer.Value.Count, []);
        return new ToolResult.Done(JsonSerializer.Serialize(result, ToolJson.Default.ProductsResult), Keep: answer.Value.Count > 0);
    }
}

internal static class SearchGlobalServices
{
    public static IServiceCollection AddSearchGlobal(this IServiceCollection services) =>
        services.AddSingleton<GlobalSearch>().AddSingleton<IToolHandler, SearchGlobalHandler>();
}
