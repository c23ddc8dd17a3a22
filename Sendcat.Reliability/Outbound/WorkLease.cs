namespace Sendcat.Reliability.Outbound;

/// <summary>
/// The lease of the current work. It names the holders of the slots that the work takes, so that whoever takes the work over can release
/// them (<see cref="Redis.RunLeases"/>). And it is ensured before each request to a third party: after a suspension of the process, or
/// without processor time, a renewal and the timer that cancels the work may be late, and another worker may already do the same work, or
/// soon.
/// </summary>
public static class WorkLease
{
    private static readonly AsyncLocal<(string Run, Func<CancellationToken, Task> Ensure)?> Current = new();

    /// <summary>Sets the lease of the calling async method and of all that it calls.</summary>
    /// <param name="run">Names the run of the work. Contains no <c>/</c> and no line breaks.</param>
    /// <param name="ensure">
    /// Completes when enough of the lease is left for a request, and throws <see cref="OperationCanceledException"/> when it has expired.
    /// </param>
    public static void Set(string run, Func<CancellationToken, Task> ensure) => Current.Value = (run, ensure);

    /// <summary>A new holder for the slot of one request. It belongs to the current run, if there is one.</summary>
    public static string NewHolder() => Current.Value is { } lease ? Redis.RunLeases.HolderOf(lease.Run) : Guid.NewGuid().ToString("N");

    internal static Task EnsureAsync(CancellationToken cancellationToken) => Current.Value?.Ensure(cancellationToken) ?? Task.CompletedTask;
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
