using System.Collections.Concurrent;
using System.Text.Json;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>How often an upstream received each query.</summary>
internal sealed class QueryCounts
{
    private readonly ConcurrentDictionary<(string Path, string Query), int> _counts = new();

    /// <summary>Counts a search of Serper (JSON with <c>q</c>) or of eBay (<c>?q=</c>).</summary>
    public async Task AddAsync(HttpRequest request)
    {
        var query = request.Query["q"].ToString();
        if (HttpMethods.IsPost(request.Method))
        {
            using var body = await JsonDocument.ParseAsync(request.Body, cancellationToken: request.HttpContext.RequestAborted);
            query = body.RootElement.GetProperty("q").GetString()!;
        }

        _counts.AddOrUpdate((request.Path.Value!, query), 1, (_, before) => before + 1);
    }

    /// <summary>
    /// The requests by query. A run of <c>search_products</c> sends its query to two paths: the path with more requests counts.
    /// </summary>
    public IReadOnlyDictionary<string, int> ByQuery() =>
        _counts.GroupBy(count => count.Key.Query, count => count.Value, StringComparer.Ordinal)
            .ToDictionary(counts => counts.Key, counts => counts.Max(), StringComparer.Ordinal);
}
