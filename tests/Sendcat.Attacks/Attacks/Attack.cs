using System.Net;
using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Stage;

namespace Sendcat.Attacks.Attacks;

/// <summary>What one hostile client tries. Every attack checks facts about the system; the runner adds those that hold for all of them.</summary>
internal abstract class Attack
{
    /// <summary>Of the list in docs/security.md; also the second byte of the addresses that it comes from.</summary>
    public abstract byte Number { get; }

    public abstract string Title { get; }

    /// <summary>Knobs that it needs and that disturb no other attack.</summary>
    public virtual IReadOnlyDictionary<string, string> Knobs => new Dictionary<string, string>();

    /// <summary>A system of its own: its limits or its traces would disturb the others. Null: the shared one.</summary>
    public virtual SystemOptions? Own => null;

    public abstract Task RunAsync(AttackRun run, CancellationToken cancellationToken);

    protected IPAddress Address(int host) => Source.Of(Number, host);
}
