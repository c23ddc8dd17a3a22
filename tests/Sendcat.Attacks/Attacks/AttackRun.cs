using System.Net;
using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Stage;

namespace Sendcat.Attacks.Attacks;

/// <summary>One run of one attack: whom it hits, how long it may take, and what was found.</summary>
/// <param name="load">How long it keeps up what it does as often as it can.</param>
internal sealed class AttackRun(AttackedSystem system, TimeSpan load) : IDisposable
{
    private readonly List<Caller> callers = [];

    public AttackedSystem System => system;

    public TimeSpan Load => load;

    public AnswerCount Answers { get; } = new();

    /// <summary>Facts that did not hold.</summary>
    public List<string> Broken { get; } = [];

    /// <summary>Facts that held.</summary>
    public List<string> Held { get; } = [];

    public void Check(bool holds, string fact) => (holds ? Held : Broken).Add(fact);

    /// <param name="found">Told only when the fact does not hold.</param>
    public void Check(bool holds, string fact, object? found) => Check(holds, holds ? fact : $"{fact}; found: {found}");

    /// <summary>Nobody yet, at that address.</summary>
    public Caller From(IPAddress source)
    {
        var caller = system.From(source, Answers);
        lock (callers)
        {
            callers.Add(caller);
        }

        return caller;
    }

    public Task<Caller> GuestAsync(IPAddress source, CancellationToken cancellationToken) => From(source).AsGuestAsync(cancellationToken);

    public Task<Caller> UserAsync(IPAddress source, CancellationToken cancellationToken) => From(source).AsUserAsync(AttackedSystem.NewEmail(), "an attacker's password 1", cancellationToken);

    public Caller Operator(IPAddress source) => From(source).WithBearer(system.Secrets.OperatorKey);

    /// <summary>So many loops at once, until the time of the run is over.</summary>
    /// <param name="once">One round of one of them; its number says which.</param>
    public async Task FloodAsync(int loops, Func<int, Task> once, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, loops).Select(async loop =>
        {
            while (TimeProvider.System.GetElapsedTime(began) < load)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await once(loop);
            }
        }));
    }

    public void Dispose() => callers.ForEach(caller => caller.Dispose());
}
