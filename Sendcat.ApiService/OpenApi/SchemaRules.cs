using System.Net.Mime;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Sendcat.ApiService.OpenApi;

/// <summary>
/// Corrects generated schemas to what is sent: a field that may be null is absent instead, so it is optional and never null; a number is
/// not also a text.
/// </summary>
internal static class SchemaRules
{
    public static void Apply(OpenApiDocument document)
    {
        foreach (var schema in document.Components!.Schemas!.Values.OfType<OpenApiSchema>())
        {
            Correct(schema);
        }

        document.Components.Schemas.Remove(nameof(JsonElement));
        foreach (var operation in document.Paths.Values.SelectMany(path => path.Operations!.Values))
        {
            var contents = (operation.Responses ?? []).Values.Select(response => response.Content).Append(operation.RequestBody?.Content);
            // The fields of a form keep their null: the client of NSwag omits only an optional field that may be null.
            foreach (var (_, media) in contents.SelectMany(content => content ?? new Dictionary<string, OpenApiMediaType>())
                .Where(content => content.Key != MediaTypeNames.Multipart.FormData))
            {
                media.Schema = media.Schema is { } schema ? Correct(schema) : null;
            }

            foreach (var response in (operation.Responses ?? []).Where(response => response.Key.StartsWith('2'))
                .Select(response => response.Value))
            {
                DescribeFile(response);
            }

            foreach (var parameter in (operation.Parameters ?? []).OfType<OpenApiParameter>())
            {
                Describe(operation.OperationId, parameter);
            }
        }
    }

    /// <summary>Sets the allowed values of a text field.</summary>
    public static void Restrict(OpenApiDocument document, string schema, string field, IEnumerable<string> values)
    {
        if (document.Components!.Schemas!.TryGetValue(schema, out var found)
            && found.Properties?.TryGetValue(field, out var property) == true
            && property is OpenApiSchema text)
        {
            text.Enum = [.. values.Select(value => (JsonNode)JsonValue.Create(value)!)];
        }
    }

    /// <summary>Fields of events that are sent as null.</summary>
    public static void AllowNull(OpenApiDocument document, string schema, params ReadOnlySpan<string> path)
    {
        IOpenApiSchema? field = document.Components!.Schemas![schema];
        foreach (var name in path)
        {
            field = field.Properties![name];
        }

        ((OpenApiSchema)field).Type |= JsonSchemaType.Null;
    }

    /// <summary>A file is bytes: a generated client must not parse it.</summary>
    private static void DescribeFile(IOpenApiResponse response)
    {
        if (response.Content is { Count: > 0 } content && !content.Keys.All(type => type == "application/json"))
        {
            foreach (var media in content.Values)
            {
                media.Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" };
            }
        }
    }

    private static void Describe(string? operation, OpenApiParameter parameter)
    {
        if (parameter.In == ParameterLocation.Query && QueryParameter.Named(operation, parameter.Name!) is { } known)
        {
            parameter.Description = known.Description;
            parameter.Schema = known.IsNumber ? new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32", Minimum = "1" }
                : new OpenApiSchema
                {
                    Type = JsonSchemaType.String,
                    Enum = known.Values is { } values ? [.. values.Select(value => (JsonNode)JsonValue.Create(value)!)] : null,
                };
        }
    }

    private static IOpenApiSchema Correct(IOpenApiSchema schema)
    {
        if (schema is OpenApiSchemaReference { Reference.Id: nameof(JsonElement) })
        {
            // Any JSON. Generators make an empty class of a named schema, which cannot hold a text or a list.
            return new OpenApiSchema();
        }

        if (schema is not OpenApiSchema own)
        {
            return schema;
        }

        if (own.OneOf is { Count: > 0 } choices
            && choices.Where(choice => choice.Type != JsonSchemaType.Null).ToList() is [var only]
            && choices.Count > 1)
        {
            return Correct(only);
        }

        if (own.Type is { } type)
        {
            own.Type = type & ~JsonSchemaType.Null;
            if ((type.HasFlag(JsonSchemaType.Integer) || type.HasFlag(JsonSchemaType.Number)) && type.HasFlag(JsonSchemaType.String))
            {
                own.Type &= ~JsonSchemaType.String;
                own.Pattern = null;
            }
        }

        foreach (var (name, property) in own.Properties?.ToList() ?? [])
        {
            if (IsNullable(property))
            {
                own.Required?.Remove(name);
            }

            own.Properties![name] = Correct(property);
        }

        own.Items = own.Items is { } items ? Correct(items) : null;
        own.AdditionalProperties = own.AdditionalProperties is { } others ? Correct(others) : null;
        return own;
    }

    private static bool IsNullable(IOpenApiSchema schema) =>
        schema.Type is { } type && type.HasFlag(JsonSchemaType.Null)
            || schema.OneOf?.Any(choice => choice.Type == JsonSchemaType.Null) == true;
}
