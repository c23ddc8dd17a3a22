using System.Text.Encodings.Web;
using System.Text.Json;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ApiService.Tools;

/// <summary>Results as models and readers get them: their letters are not escaped, which would cost tokens. Never put into a page.</summary>
internal static class FoundJson
{
    public static readonly ToolJson Readable = new(new JsonSerializerOptions(ToolJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public static string Products(IReadOnlyList<Product> products) => JsonSerializer.Serialize(products, Readable.IReadOnlyListProduct);

    public static string Hits(IReadOnlyList<SearchWebHit> hits) => JsonSerializer.Serialize(hits, Readable.IReadOnlyListSearchWebHit);
}
