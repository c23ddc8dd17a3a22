namespace Aspire.Hosting.ApplicationModel;

internal sealed record BuiltProgramAnnotation(string Path) : IResourceAnnotation;

internal sealed record ReplicasAnnotation(int Replicas) : IResourceAnnotation;

internal sealed record WaitAnnotation(IResource Resource, bool UntilHealthy) : IResourceAnnotation;

internal sealed record ExplicitStartAnnotation : IResourceAnnotation;

internal sealed record HealthCheckAnnotation(string Key) : IResourceAnnotation;

/// <summary>Asked of every replica on its own port.</summary>
internal sealed record HttpHealthCheckAnnotation(string Path, int StatusCode, string? EndpointName) : IResourceAnnotation;

internal sealed record EnvironmentAnnotation(Func<EnvironmentCallbackContext, Task> Callback) : IResourceAnnotation;

internal sealed record ArgumentsAnnotation(Func<CommandLineArgsCallbackContext, Task> Callback) : IResourceAnnotation;

internal sealed record UrlTextAnnotation(string EndpointName, Action<ResourceUrlAnnotation> Callback) : IResourceAnnotation;

internal static class AnnotationLookup
{
    public static T? Last<T>(this IResource resource)
        where T : class, IResourceAnnotation => resource.Annotations.OfType<T>().LastOrDefault();

    public static int Replicas(this IResource resource) => resource.Last<ReplicasAnnotation>()?.Replicas ?? 1;

    /// <summary>Whether there is a process behind the resource; parameters and connection strings have none.</summary>
    public static bool IsProcess(this IResource resource) => resource is ProjectResource or ExecutableResource;
}
