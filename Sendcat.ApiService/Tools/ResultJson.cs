using System.Text.Encodings.Web;
using System.Text.Json;
using Sendcat.Integrations.Tools;

namespace Sendcat.ApiService.Tools;

/// <summary>
/// Serializes results for models and clients. Non-ASCII characters are not escaped, because escapes cost tokens. Do not embed this JSON in
/// HTML.
/// </summary>
internal static class ResultJson
{
    public static readonly ToolJson Readable = new(
        new JsonSerializerOptions(ToolJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public static string Products(IReadOnlyList<Product> products) => JsonSerializer.Serialize(products, Readable.IReadOnlyListProduct);

    public static string Hits(IReadOnlyList<SearchWebHit> hits) => JsonSerializer.Serialize(hits, Readable.IReadOnlyListSearchWebHit);
}
