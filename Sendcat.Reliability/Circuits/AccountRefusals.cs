namespace Sendcat.Reliability.Circuits;

/// <summary>Refusals of our account in a row: a call that was served ends the row, one that failed otherwise says nothing about it.</summary>
/// <param name="Key">Refusals of the key.</param>
/// <param name="OfConfigured">One of them came to a call that counts; a caller's choice alone suspends nobody.</param>
/// <param name="Quota">Refusals for lack of credit, of calls that count.</param>
internal readonly record struct AccountRefusals(int Key, bool OfConfigured, int Quota)
{
    /// <summary>So many in a row are no accident.</summary>
    public const int Limit = 3;

    public bool None => this == default;

    /// <summary>What follows from the row.</summary>
    public Suspension? Suspends => Key >= Limit && OfConfigured ? Suspension.Key : Quota >= Limit ? Suspension.Quota : null;

    /// <param name="configured">The call counts for the circuit.</param>
    public AccountRefusals And(Suspension refusal, bool configured) => refusal switch
    {
        Suspension.Key => this with { Key = Key + 1, OfConfigured = OfConfigured || configured },
        Suspension.Quota => configured ? this with { Quota = Quota + 1 } : this,
        _ => throw new ArgumentOutOfRangeException(nameof(refusal)),
    };

    /// <summary>The key was accepted, by a call that says nothing about credit.</summary>
    public AccountRefusals KeyAccepted() => this with { Key = 0, OfConfigured = false };
}
