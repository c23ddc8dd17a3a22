using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Admission;

/// <summary>Everything that a turn holds. It is renewed until it is disposed, and given back exactly once, also when Redis is away at that moment.</summary>
public sealed class AdmissionTicket : IAsyncDisposable
{
    internal AdmissionTicket(HeldLease? held) => Held = held;

    /// <summary>Null while no guard wanted a place.</summary>
    internal HeldLease? Held { get; }

    /// <summary>Cancelled when the leases are gone although nobody disposed the ticket: another turn took them over, or this process slept past their expiry.</summary>
    public CancellationToken Lost => Held?.Lost ?? CancellationToken.None;

    public ValueTask DisposeAsync() => Held?.DisposeAsync() ?? ValueTask.CompletedTask;
}
