namespace Sendcat.Reliability.Circuits;

/// <summary>Why calls to a provider are suspended although it works: it rejects our account, or an operator isolated it.</summary>
public enum Suspension
{
    /// <summary>The provider rejects our API key.</summary>
    Key,

    /// <summary>Our credit with the provider is used up.</summary>
    Quota,

    /// <summary>An operator isolated the provider.</summary>
    Operator,
}

public static class Suspensions
{
    /// <summary>The name of the reason in health responses, events and Redis.</summary>
    public static string Name(this Suspension suspension) => suspension switch
    {
        Suspension.Key => "key",
        Suspension.Quota => "quota",
        Suspension.Operator => "operator",
        _ => throw new ArgumentOutOfRangeException(nameof(suspension)),
    };

    /// <summary>The reason of a name; null for an unknown name.</summary>
    internal static Suspension? Of(string? name) =>
        name switch { "key" => Suspension.Key, "quota" => Suspension.Quota, "operator" => Suspension.Operator, _ => null };
}

/// <summary>The present suspension of a provider.</summary>
/// <param name="Reason">Why it is suspended.</param>
/// <param name="RetryAfter">Time until the next probe is permitted; zero: the next call may be the probe.</param>
public readonly record struct SuspensionReading(Suspension Reason, TimeSpan RetryAfter);
