namespace Sendcat.AppHost;

/// <summary>The three stores that every service needs: containers, local processes, or servers that already run.</summary>
/// <param name="Ready">The resources that must be healthy before a service starts.</param>
internal sealed record Stores(
    IResourceBuilder<IResourceWithConnectionString> Redis,
    IResourceBuilder<IResourceWithConnectionString> Database,
    IResourceBuilder<IResourceWithConnectionString> Messaging,
    IReadOnlyList<IResourceBuilder<IResource>> Ready);

internal static class StoreExtensions
{
    public static Stores AddStores(this IDistributedApplicationBuilder builder, LocalPorts? ports) => builder.ChooseStores() switch
    {
        StoreChoice.Local when ports is not null => builder.AddLocalStores(ports),
        StoreChoice.External => builder.AddExternalStores(),
        _ => builder.AddContainerStores(),
    };

    /// <summary>Gives the service the connection strings of all three stores and makes its start wait for them.</summary>
    public static IResourceBuilder<ProjectResource> WithStores(this IResourceBuilder<ProjectResource> service, Stores stores)
    {
        service.WithReference(stores.Redis).WithReference(stores.Database).WithReference(stores.Messaging);
        foreach (var store in stores.Ready)
        {
            service.WaitFor(store);
        }

        return service;
    }

    private static Stores AddContainerStores(this IDistributedApplicationBuilder builder)
    {
        var redis = builder.AddRedis("redis");
        var database = builder.AddPostgres("postgres").WithDataVolume().AddDatabase("sendcatdb");
        var messaging = builder.AddRabbitMQ("messaging").WithManagementPlugin();
        return new(redis, database, messaging, [redis, database, messaging]);
    }

    private static Stores AddExternalStores(this IDistributedApplicationBuilder builder) =>
        new(builder.AddConnectionString("redis"), builder.AddConnectionString("sendcatdb"), builder.AddConnectionString("messaging"), []);
}
