using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Sendcat.ApiService.Threads.Events;

namespace Sendcat.ApiService.OpenApi;

/// <summary>
/// Adds a schema for every event of every stream: one for each type, and one that is any of them. OpenAPI 3.0 cannot describe the items of
/// a stream, so the responses are binary and name the schema of their events.
/// </summary>
internal static class EventSchemas
{
    private static readonly Dictionary<string, string> Streams = new(StringComparer.Ordinal)
    {
        ["startChat"] = $"{nameof(SendcatEvent)} or {nameof(UiEvent)}",
        ["resumeChat"] = $"{nameof(SendcatEvent)} or {nameof(UiEvent)}",
        ["threads.events"] = nameof(ThreadEvent),
    };

    public static async Task AddAsync(
        OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        foreach (var stream in new[] { typeof(SendcatEvent), typeof(UiEvent), typeof(ThreadEvent) })
        {
            await AddAsync(document, stream, context, cancellationToken);
        }
    }

    /// <summary>Describes the stream that an operation returns, if it returns one.</summary>
    public static void Describe(OpenApiOperation operation)
    {
        if (operation.OperationId is { } id
            && Streams.TryGetValue(id, out var events)
            && operation.Responses?.GetValueOrDefault("200") is OpenApiResponse response)
        {
            response.Description = $"Server-sent events; the data of each is JSON: {events}";
            response.Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
            {
                ["text/event-stream"] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } },
            };
        }
    }

    private static async Task AddAsync(
        OpenApiDocument document, Type stream, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        var any = new OpenApiSchema
        {
            Description = "An event of a stream, by its type. Ignore types that you do not know.",
            // Not oneOf: NSwag replaces it by its first choice, and the schema of that event would be lost.
            AnyOf = [],
            Discriminator = new()
            {
                PropertyName = "type", Mapping = new Dictionary<string, OpenApiSchemaReference>(StringComparer.Ordinal),
            },
        };
        foreach (var derived in stream.GetCustomAttributes<JsonDerivedTypeAttribute>())
        {
            var name = stream.Name + derived.DerivedType.Name;
            var type = (string)derived.TypeDiscriminator!;
            var schema = await context.GetOrCreateSchemaAsync(derived.DerivedType, cancellationToken: cancellationToken);
            schema.Type = JsonSchemaType.Object;
            schema.Metadata?.Clear();
            schema.Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal)
            {
                ["type"] = new OpenApiSchema { Type = JsonSchemaType.String, Enum = [JsonValue.Create(type)] },
            }.Concat(
                (schema.Properties ?? new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal))
                    .Where(property => property.Key != "type"))
                .ToDictionary(StringComparer.Ordinal);
            schema.Required = schema.Required is null
                ? new HashSet<string>(StringComparer.Ordinal) { "type" }
                : new HashSet<string>(schema.Required.Append("type"), StringComparer.Ordinal);
            document.AddComponent(name, schema);
            any.AnyOf.Add(new OpenApiSchemaReference(name, document));
            any.Discriminator.Mapping[type] = new(name, document);
        }

        document.AddComponent(stream.Name, any);
    }
}
