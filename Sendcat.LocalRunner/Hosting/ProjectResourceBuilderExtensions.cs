using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Sendcat.LocalRunner;

namespace Aspire.Hosting;

public static class ProjectResourceBuilderExtensions
{
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new()
    {
        var program = typeof(TProject).GetCustomAttribute<BuiltProgramAttribute>()
            ?? throw new DistributedApplicationException($"{typeof(TProject)} does not say what it was built to.");
        return builder.AddResource(new ProjectResource(name)).WithAnnotation(new TProject()).WithAnnotation(new BuiltProgramAnnotation(program.Path));
    }

    public static IResourceBuilder<ProjectResource> WithReplicas(this IResourceBuilder<ProjectResource> builder, int replicas) =>
        builder.WithAnnotation(new ReplicasAnnotation(replicas), ResourceAnnotationMutationBehavior.Replace);
}

public static class ExecutableResourceBuilderExtensions
{
    /// <param name="workingDirectory">Relative to the AppHost's own directory.</param>
    public static IResourceBuilder<ExecutableResource> AddExecutable(
        this IDistributedApplicationBuilder builder, string name, string command, string workingDirectory, params string[]? args) =>
        builder.AddResource(new ExecutableResource(name, command, Path.GetFullPath(workingDirectory, builder.AppHostDirectory))).WithArgs(args ?? []);
}
