using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Sendcat.ApiService.Threads.Export;

namespace Sendcat.ApiService.OpenApi;

/// <summary>
/// Adds the schema of an exported thread. The response of the operation has other formats as well and stays binary, because a generated
/// client would parse all of them as JSON; it names the schema.
/// </summary>
internal static class ExportSchema
{
    private const string Name = "ThreadExport";
    private const string Operation = "threads.export";

    public static async Task AddAsync(
        OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        var message = await context.GetOrCreateSchemaAsync(typeof(ExportedMessage), cancellationToken: cancellationToken);
        message.Metadata?.Clear();
        document.AddComponent(nameof(ExportedMessage), message);
        var thread = await context.GetOrCreateSchemaAsync(typeof(ExportedThread), cancellationToken: cancellationToken);
        thread.Metadata?.Clear();
        thread.Description = $"The file of {Operation} with format=json.";
        thread.Properties!["messages"] = new OpenApiSchema
        {
            Type = JsonSchemaType.Array, Items = new OpenApiSchemaReference(nameof(ExportedMessage), document),
        };
        thread.Required = new HashSet<string>(
            [.. thread.Required ?? new HashSet<string>(StringComparer.Ordinal), "messages"], StringComparer.Ordinal);
        document.AddComponent(Name, thread);
        foreach (var operation in document.Paths.Values.SelectMany(path => path.Operations!.Values)
            .Where(operation => operation.OperationId == Operation))
        {
            ((OpenApiResponse)operation.Responses!["200"]).Description = $"The file in the format; json: {Name}";
        }
    }
}
