using System.Globalization;
using System.Text.Json.Nodes;

namespace Sendcat.Attacks.Fuzz;

/// <summary>Reads <c>/openapi/v1.json</c>: every operation with its parameters, its body and its declared statuses.</summary>
internal static class ApiDocumentReader
{
    public static IReadOnlyList<ApiOperation> Read(JsonNode document) =>
    [
        .. from path in document["paths"]!.AsObject()
           from operation in path.Value!.AsObject()
           where operation.Value is JsonObject && operation.Key != "parameters"
           let node = operation.Value!
           select new ApiOperation(
               (string)node["operationId"]!,
               operation.Key.ToUpperInvariant(),
               path.Key,
               [.. (node["parameters"]?.AsArray() ?? [])
                   .Where(parameter => (string?)parameter!["in"] == "query")
                   .Select(parameter => (string)parameter!["name"]!)],
               Resolve(document, node["requestBody"]?["content"]?["application/json"]?["schema"]) as JsonObject,
               node["responses"]!.AsObject()
                   .Select(response => int.TryParse(response.Key, CultureInfo.InvariantCulture, out var status) ? status : 0)
                   .ToHashSet()),
    ];

    private static JsonNode? Resolve(JsonNode document, JsonNode? schema)
    {
        while (schema is JsonObject one && (string?)one["$ref"] is { } reference)
        {
            schema = reference.TrimStart('#', '/').Split('/').Aggregate((JsonNode?)document, (node, part) => node?[part]);
        }

        return schema;
    }
}
