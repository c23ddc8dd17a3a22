using System.Text.Json;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Tools;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.ToolWorker.SearchWeb;

/// <summary>Answers <c>search_web</c> with the first five finds.</summary>
internal sealed class SearchWebHandler(SerperSearch serper) : IToolHandler
{
    private const string NothingFound = "No results were found.";

    public ToolLane Lane => ToolLane.SearchWeb;

    public async Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken)
    {
        if (JsonSerializer.Deserialize(arguments, ToolJson.Default.SearchWebArguments) is not { Query.Length: > 0 } asked)
        {
            return new ToolResult.Refused("search_web was asked nothing.", Retryable: false);
        }

        var answer = await serper.SearchAsync(asked.Query, cancellationToken);
        if (!answer.IsGood)
        {
            return ToolResult.Of(answer.Error);
        }

        var hits = answer.Value;
        var text = hits.Count == 0 ? NothingFound : string.Join("\n\n", hits.Select(hit => $"{hit.Title}\n{hit.Link}\n{hit.Snippet}".TrimEnd()));
        var result = new SearchWebResult(Lane.Tool, text, JsonSerializer.Serialize(hits, ToolJson.Default.IReadOnlyListSearchWebHit), hits);
        return new ToolResult.Done(JsonSerializer.Serialize(result, ToolJson.Default.SearchWebResult), Keep: hits.Count > 0);
    }
}

internal static class SearchWebServices
{
    public static IServiceCollection AddSearchWeb(this IServiceCollection services) =>
        services.AddSingleton<SerperSearch>().AddSingleton<IToolHandler, SearchWebHandler>();
}
