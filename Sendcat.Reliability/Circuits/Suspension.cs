namespace Sendcat.Reliability.Circuits;

/// <summary>Why a provider is left alone although it is well: it does not serve our account.</summary>
public enum Suspension
{
    /// <summary>It refuses our key.</summary>
    Key,

    /// <summary>What we have paid for is used up.</summary>
    Quota,
}

public static class Suspensions
{
    /// <summary>As health, events and Redis spell it.</summary>
    public static string Word(this Suspension suspension) => suspension switch
    {
        Suspension.Key => "key",
        Suspension.Quota => "quota",
        _ => throw new ArgumentOutOfRangeException(nameof(suspension)),
    };

    /// <summary>Null for any other word.</summary>
    internal static Suspension? Of(string? word) => word switch { "key" => Suspension.Key, "quota" => Suspension.Quota, _ => null };
}

/// <summary>A provider that is suspended at present.</summary>
/// <param name="RetryAfter">Until the next probe may be made; zero: the next call may be it.</param>
public readonly record struct SuspensionReading(Suspension Reason, TimeSpan RetryAfter);
