using System.Text.Json;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.ToolWorker.SearchWeb;

/// <summary>Executes <c>search_web</c>: returns the first five hits.</summary>
internal sealed class SearchWebHandler(SerperSearch serper) : IToolHandler
{
    private const string NothingFound = "No results were found.";

    public ToolLane Lane => QueuedTool.SearchWeb.Lane;

    public async Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken)
    {
        if (JsonSerializer.Deserialize(arguments, ToolJson.Default.SearchWebArguments) is not { Query.Length: > 0 } request)
        {
            return new ToolResult.Failed("search_web was asked nothing.", Retryable: false);
        }

        var response = await serper.SearchAsync(request.Query, cancellationToken);
        if (!response.IsSuccess)
        {
            return ToolResult.Of(response.Error);
        }

        var hits = response.Value;
        var text = hits.Count == 0
            ? NothingFound
            : string.Join("\n\n", hits.Select(hit => $"{hit.Title}\n{hit.Link}\n{hit.Snippet}".TrimEnd()));
        var result = new SearchWebResult(Lane.Tool, text, JsonSerializer.Serialize(hits, ToolJson.Default.IReadOnlyListSearchWebHit), hits);
        return new ToolResult.Done(JsonSerializer.Serialize(result, ToolJson.Default.SearchWebResult), Cacheable: hits.Count > 0);
    }
}

internal static class SearchWebFeature
{
    public static IServiceCollection AddSearchWeb(this IServiceCollection services) =>
        services.AddSingleton<SerperSearch>().AddSingleton<IToolHandler, SearchWebHandler>();
}
