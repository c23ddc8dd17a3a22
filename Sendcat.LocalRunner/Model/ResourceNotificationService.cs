using Sendcat.LocalRunner.Running;

namespace Aspire.Hosting.ApplicationModel;

public static class KnownResourceStates
{
    public static readonly string Waiting = nameof(Waiting);
    public static readonly string Starting = nameof(Starting);
    public static readonly string Running = nameof(Running);
    public static readonly string Finished = nameof(Finished);
    public static readonly string NotStarted = nameof(NotStarted);
}

public class ResourceEvent(IResource resource, string resourceId)
{
    public IResource Resource { get; } = resource;

    public string ResourceId { get; } = resourceId;
}

public class ResourceNotificationService
{
    private readonly ResourceBoard _board;

    internal ResourceNotificationService(ResourceBoard board) => _board = board;

    /// <summary>Waits until every replica runs and its checks pass.</summary>
    public async Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default)
    {
        var rows = await _board.WaitUntilAsync(
            rows => rows.Any(row => row.Resource.Name == resourceName) && rows.Where(row => row.Resource.Name == resourceName).All(row => row is { State: InstanceState.Running, Healthy: true }),
            cancellationToken);
        var row = rows.First(row => row.Resource.Name == resourceName);
        return new(row.Resource, row.Name);
    }

    public Task WaitForResourceAsync(string resourceName, string? targetState = null, CancellationToken cancellationToken = default) =>
        _board.WaitUntilAsync(rows => rows.Any(row => row.Resource.Name == resourceName && row.State.ToString() == (targetState ?? KnownResourceStates.Running)), cancellationToken);
}
