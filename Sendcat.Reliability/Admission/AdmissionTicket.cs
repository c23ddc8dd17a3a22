using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Admission;

/// <summary>Everything that a turn holds. It is renewed until it is disposed, and given back exactly once, also when Redis is away at that moment.</summary>
public sealed class AdmissionTicket : IAsyncDisposable
{
    private readonly HeldLease? _lease;

    internal AdmissionTicket(HeldLease? lease) => _lease = lease;

    /// <summary>Cancelled when the leases are gone although nobody disposed the ticket: another turn took them over, or this process slept past their expiry.</summary>
    public CancellationToken Lost => _lease?.Lost ?? CancellationToken.None;

    public ValueTask DisposeAsync() => _lease?.DisposeAsync() ?? ValueTask.CompletedTask;
}
