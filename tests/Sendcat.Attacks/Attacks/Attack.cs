using System.Net;
using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Target;

namespace Sendcat.Attacks.Attacks;

/// <summary>
/// The behaviour of one hostile client. Every attack checks facts about the system. The runner adds the facts that must hold for every
/// attack.
/// </summary>
internal abstract class Attack
{
    /// <summary>The number in the list of docs/security.md, and the second byte of the source addresses of the attack: from 1.</summary>
    public abstract byte Number { get; }

    /// <summary>The danger, as a statement that is true if the attack succeeds.</summary>
    public abstract string Title { get; }

    /// <summary>Knobs that the attack needs. They do not affect the other attacks.</summary>
    public virtual IReadOnlyDictionary<string, string> Knobs => new Dictionary<string, string>();

    /// <summary>
    /// The options of a separate system for an attack that would affect the others; null: the attack runs against the shared system.
    /// </summary>
    public virtual SystemOptions? OwnSystem => null;

    /// <summary>Runs the attack and checks its facts with <see cref="AttackRun.Check(bool, string)"/>.</summary>
    public abstract Task RunAsync(AttackRun run, CancellationToken cancellationToken);

    /// <summary>A source address of this attack.</summary>
    protected IPAddress Address(int host) => SourceAddress.Of(Number, host);
}
