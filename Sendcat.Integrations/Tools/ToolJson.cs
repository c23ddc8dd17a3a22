using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sendcat.Integrations.Tools;

/// <summary>
/// Serialization of the arguments and the result of a job of each tool, as the turn that enqueues the job and the worker that runs it
/// exchange them. The tool cache stores results in the same format: a change of the format requires a new version of the cache namespace.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SearchWebArguments))]
[JsonSerializable(typeof(SearchWebResult))]
[JsonSerializable(typeof(IReadOnlyList<SearchWebHit>))]
[JsonSerializable(typeof(SearchProductsArguments))]
[JsonSerializable(typeof(SearchGlobalArguments))]
[JsonSerializable(typeof(ProductsResult))]
[JsonSerializable(typeof(IReadOnlyList<Product>))]
public sealed partial class ToolJson : JsonSerializerContext;
