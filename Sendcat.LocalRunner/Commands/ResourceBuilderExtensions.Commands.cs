using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    public static IResourceBuilder<T> WithCommand<T>(
        this IResourceBuilder<T> builder, string name, string displayName, Func<ExecuteCommandContext, Task<ExecuteCommandResult>> executeCommand, CommandOptions? commandOptions = null)
        where T : IResource => builder.WithAnnotation(new CommandAnnotation(name, displayName, executeCommand));

    /// <summary>A command that sends one request to the resource; any answer of 2xx is success.</summary>
    public static IResourceBuilder<TResource> WithHttpCommand<TResource>(
        this IResourceBuilder<TResource> builder, string path, string displayName, string? endpointName = null, string? commandName = null, HttpCommandOptions? commandOptions = null)
        where TResource : IResourceWithEndpoints =>
        builder.WithCommand(commandName ?? $"{builder.Resource.Name}-http-{path.Trim('/').Replace('/', '-')}", displayName, async context =>
        {
            var endpoint = new EndpointReference(builder.Resource, endpointName ?? "http");
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
            using var request = new HttpRequestMessage(commandOptions?.Method ?? HttpMethod.Post, new Uri(new Uri(endpoint.Url), path));
            if (commandOptions?.PrepareRequest is { } prepare)
            {
                await prepare(new()
                {
                    ServiceProvider = context.ServiceProvider,
                    ResourceName = context.ResourceName,
                    Endpoint = endpoint,
                    HttpClient = client,
                    Request = request,
                    CancellationToken = context.CancellationToken,
                });
            }

            try
            {
                using var response = await client.SendAsync(request, context.CancellationToken);
                return response.IsSuccessStatusCode
                    ? CommandResults.Success()
                    : CommandResults.Failure($"{displayName}: the service answered {(int)response.StatusCode} {response.ReasonPhrase}");
            }
            catch (HttpRequestException e)
            {
                return CommandResults.Failure($"{displayName}: {e.Message}");
            }
        });
}
