using Aspire.Hosting.ApplicationModel;
using Sendcat.LocalRunner.Testing;

namespace Aspire.Hosting.Testing;

public interface IDistributedApplicationTestingBuilder : IDistributedApplicationBuilder, IAsyncDisposable, IDisposable
{
    Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
}

public static class DistributedApplicationTestingBuilder
{
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(CancellationToken cancellationToken = default)
        where TEntryPoint : class => CreateAsync<TEntryPoint>([], cancellationToken);

    /// <typeparam name="TEntryPoint">Any type of the AppHost's assembly, by custom <c>Projects.Sendcat_AppHost</c>.</typeparam>
    public static async Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(string[] args, CancellationToken cancellationToken = default)
        where TEntryPoint : class => await EntryPointCapture.RunAsync(typeof(TEntryPoint).Assembly, args).WaitAsync(cancellationToken);
}

public static class DistributedApplicationHostingTestingExtensions
{
    public static HttpClient CreateHttpClient(this DistributedApplication app, string resourceName, string? endpointName = null) =>
        new() { BaseAddress = app.GetEndpoint(resourceName, endpointName) };

    public static Uri GetEndpoint(this DistributedApplication app, string resourceName, string? endpointName = null)
    {
        var owner = app.Resource(resourceName) as IResourceWithEndpoints ?? throw new ArgumentException($"Resource '{resourceName}' has no endpoints.", nameof(resourceName));
        return new(new EndpointReference(owner, endpointName ?? "http").Url);
    }

    public static ValueTask<string?> GetConnectionStringAsync(this DistributedApplication app, string resourceName, CancellationToken cancellationToken = default) =>
        app.Resource(resourceName) is IResourceWithConnectionString resource
            ? resource.GetConnectionStringAsync(cancellationToken)
            : throw new ArgumentException($"Resource '{resourceName}' does not expose a connection string.", nameof(resourceName));

    private static IResource Resource(this DistributedApplication app, string name) =>
        ((DistributedApplicationModel)app.Services.GetService(typeof(DistributedApplicationModel))!).Resources.FirstOrDefault(resource => resource.Name == name)
        ?? throw new ArgumentException($"Resource '{name}' not found.", nameof(name));
}
