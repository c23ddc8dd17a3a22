namespace Sendcat.Reliability.Circuits;

/// <summary>
/// Counts how often in a row a provider rejects our account. A successful call resets the counts; a call that fails for another reason does
/// not change them.
/// </summary>
/// <param name="Key">Rejections of the API key (401) in a row.</param>
/// <param name="OfConfigured">
/// Whether one of them was for a call that counts for the circuit. Calls with a model that the caller chose cannot alone suspend the
/// provider.
/// </param>
/// <param name="Quota">Rejections for lack of credit (402) in a row, of calls that count for the circuit.</param>
internal readonly record struct AccountRefusals(int Key, bool OfConfigured, int Quota)
{
    /// <summary>Rejections in a row that suspend the provider.</summary>
    public const int Limit = 3;

    public bool None => this == default;

    /// <summary>Why the provider must be suspended; null when a limit is not reached.</summary>
    public Suspension? Suspends => Key >= Limit && OfConfigured ? Suspension.Key : Quota >= Limit ? Suspension.Quota : null;

    /// <summary>Adds a rejection.</summary>
    /// <param name="refusal">What the provider rejected.</param>
    /// <param name="configured">Whether the call counts for the circuit.</param>
    public AccountRefusals Add(Suspension refusal, bool configured) => refusal switch
    {
        Suspension.Key => this with { Key = Key + 1, OfConfigured = OfConfigured || configured },
        Suspension.Quota => configured ? this with { Quota = Quota + 1 } : this,
        _ => throw new ArgumentOutOfRangeException(nameof(refusal)),
    };

    /// <summary>Resets the rejections of the key: a call proved the key, but nothing about credit.</summary>
    public AccountRefusals KeyAccepted() => this with { Key = 0, OfConfigured = false };

    public AccountRefusals Plus(AccountRefusals other) => new(Key + other.Key, OfConfigured || other.OfConfigured, Quota + other.Quota);
}

/// <summary>What this process has not reported to the other replicas yet. The resets come before the rejections.</summary>
/// <param name="ResetsKey">A call proved the key.</param>
/// <param name="ResetsQuota">A call that counts for the circuit was served.</param>
/// <param name="Added">The rejections since then.</param>
internal readonly record struct RefusalChanges(bool ResetsKey, bool ResetsQuota, AccountRefusals Added)
{
    public static readonly RefusalChanges AfterSuccess = new(ResetsKey: true, ResetsQuota: true, default);

    public bool None => this == default;

    public RefusalChanges Add(Suspension refusal, bool configured) => this with { Added = Added.Add(refusal, configured) };

    public RefusalChanges KeyAccepted() => this with { ResetsKey = true, Added = Added.KeyAccepted() };

    /// <summary>The rejections of all replicas, with these changes after <paramref name="shared"/>.</summary>
    public AccountRefusals After(AccountRefusals shared) =>
        new AccountRefusals(ResetsKey ? 0 : shared.Key, !ResetsKey && shared.OfConfigured, ResetsQuota ? 0 : shared.Quota).Plus(Added);
}
