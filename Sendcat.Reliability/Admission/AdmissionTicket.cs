namespace Sendcat.Reliability.Admission;

/// <summary>Everything that a turn holds. It is renewed until it is disposed, and given back exactly once.</summary>
public sealed class AdmissionTicket : IAsyncDisposable
{
    /// <summary>Cancelled when the leases are gone although nobody disposed the ticket: another turn took them over, or this process slept past their expiry.</summary>
    public CancellationToken Lost { get; }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
