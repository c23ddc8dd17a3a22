namespace Sendcat.AppHost;

/// <summary>Sets the description that the dashboard shows for a resource: in its details, and for stores in the column "Source".</summary>
internal static class Descriptions
{
    public static IResourceBuilder<ProjectResource> WithDescription(this IResourceBuilder<ProjectResource> service, string text) =>
        service.WithInitialState(new() { ResourceType = "Project", Properties = [new("description", text)] });

    public static IResourceBuilder<ExecutableResource> WithDescription(this IResourceBuilder<ExecutableResource> server, string text) =>
        server.WithInitialState(new() { ResourceType = "Executable", Properties = [new("description", text)] });

    public static IResourceBuilder<ConnectionStringResource> WithDescription(
        this IResourceBuilder<ConnectionStringResource> store, string text) =>
        store.WithInitialState(new()
        {
            ResourceType = "ConnectionString",
            State = KnownResourceStates.Waiting,
            Properties = [new(CustomResourceKnownProperties.Source, text)],
        });
}
