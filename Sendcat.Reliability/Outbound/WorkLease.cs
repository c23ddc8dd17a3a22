namespace Sendcat.Reliability.Outbound;

/// <summary>
/// The lease of the current work. It is ensured before each request to a third party: after a suspension of the process, or without
/// processor time, a renewal and the timer that cancels the work may be late, and another worker may already do the same work, or soon.
/// </summary>
public static class WorkLease
{
    private static readonly AsyncLocal<Func<CancellationToken, Task>?> Current = new();

    /// <summary>Sets the lease of the calling async method and of all that it calls.</summary>
    /// <param name="ensure">
    /// Completes when enough of the lease is left for a request, and throws <see cref="OperationCanceledException"/> when it has expired.
    /// </param>
    public static void Set(Func<CancellationToken, Task> ensure) => Current.Value = ensure;

    internal static Task EnsureAsync(CancellationToken cancellationToken) => Current.Value?.Invoke(cancellationToken) ?? Task.CompletedTask;
}

/// <summary>Sends a request only under the current <see cref="WorkLease"/>. It belongs directly above the connection.</summary>
public sealed class WorkLeaseCheck : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        await WorkLease.EnsureAsync(cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        return await base.SendAsync(request, cancellationToken);
    }
}
