using System.Net;
using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Target;

namespace Sendcat.Attacks.Attacks;

/// <summary>One run of an attack: its callers, the checked facts and the responses to it.</summary>
/// <param name="system">The attacked system.</param>
/// <param name="floodTime">How long a flood lasts.</param>
internal sealed class AttackRun(AttackedSystem system, TimeSpan floodTime) : IDisposable
{
    private readonly List<Caller> _callers = [];

    public AttackedSystem System => system;

    public ResponseCounter Responses { get; } = new();

    /// <summary>The facts that do not hold.</summary>
    public List<string> FailedFacts { get; } = [];

    /// <summary>The facts that hold.</summary>
    public List<string> HeldFacts { get; } = [];

    public void Check(bool holds, string fact) => (holds ? HeldFacts : FailedFacts).Add(fact);

    /// <param name="holds">Whether the fact holds.</param>
    /// <param name="fact">The fact, as a sentence.</param>
    /// <param name="found">What was found; reported only when the fact does not hold.</param>
    public void Check(bool holds, string fact, object? found) => Check(holds, holds ? fact : $"{fact}; found: {found}");

    /// <summary>A caller at this address without an account or a session.</summary>
    public Caller From(IPAddress source)
    {
        var caller = system.From(source, Responses);
        lock (_callers)
        {
            _callers.Add(caller);
        }

        return caller;
    }

    public Task<Caller> GuestAsync(IPAddress source, CancellationToken cancellationToken) => From(source).AsGuestAsync(cancellationToken);

    public Task<Caller> UserAsync(IPAddress source, CancellationToken cancellationToken) =>
        From(source).AsUserAsync(AttackedSystem.NewEmail(), "an attacker's password 1", cancellationToken);

    public Caller Operator(IPAddress source) => From(source).WithBearer(system.Secrets.OperatorKey);

    /// <summary>Repeats an action in several concurrent loops until the flood time has passed.</summary>
    /// <param name="loops">The number of loops.</param>
    /// <param name="once">The action; its argument is the index of the loop.</param>
    /// <param name="cancellationToken">Ends all loops.</param>
    public async Task FloodAsync(int loops, Func<int, Task> once, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, loops).Select(async loop =>
        {
            while (TimeProvider.System.GetElapsedTime(began) < floodTime)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await once(loop);
            }
        }));
    }

    public void Dispose() => _callers.ForEach(caller => caller.Dispose());
}
