using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Sendcat.LocalRunner.Running;

/// <summary>Who must be there before whom.</summary>
internal static class StartOrder
{
    /// <summary>Layers of resources: each waits only for resources of layers before it. Stopping goes the other way round.</summary>
    public static IReadOnlyList<IReadOnlyList<IResource>> Layers(IEnumerable<IResource> resources)
    {
        var left = resources.Where(resource => resource.IsProcess()).ToList();
        var layers = new List<IReadOnlyList<IResource>>();
        while (left.Count > 0)
        {
            var layer = left.Where(resource => !DependenciesOf(resource).Any(left.Contains)).ToList();
            if (layer.Count == 0)
            {
                throw new DistributedApplicationException($"These wait for each other: {string.Join(", ", left.Select(resource => resource.Name))}.");
            }

            layers.Add(layer);
            left.RemoveAll(layer.Contains);
        }

        return layers;
    }

    private static IEnumerable<IResource> DependenciesOf(IResource resource) => resource.Annotations.OfType<WaitAnnotation>().Select(wait => wait.Resource);
}
