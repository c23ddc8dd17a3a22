namespace Sendcat.Reliability.Outbound;

/// <summary>
/// The lease of the current work. It is checked before each request to a third party: after a suspension of the process, or without
/// processor time, the timer that cancels the work may fire late, and another worker may already do the same work.
/// </summary>
public static class WorkLease
{
    private static readonly AsyncLocal<Action?> Current = new();

    /// <summary>Sets the lease of the calling async method and of all that it calls.</summary>
    /// <param name="cancelIfExpired">Cancels the token of the work if its lease has expired by the clock.</param>
    public static void Set(Action cancelIfExpired) => Current.Value = cancelIfExpired;

    internal static void CancelIfExpired() => Current.Value?.Invoke();
}

/// <summary>Sends no request after the end of the current <see cref="WorkLease"/>. It belongs directly above the connection.</summary>
public sealed class WorkLeaseCheck : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        WorkLease.CancelIfExpired();
        cancellationToken.ThrowIfCancellationRequested();
        return base.SendAsync(request, cancellationToken);
    }
}
