namespace Sendcat.Reliability.Circuits;

/// <summary>What the result of a call says about the provider's health.</summary>
public enum CallVerdict
{
    Success,
    Failure,

    /// <summary>Nothing.</summary>
    Neutral,
}

/// <summary>
/// Classifies HTTP statuses: 2xx and 3xx are success; 408, 425, 429 and 500 or above are failure; the rest is neutral, because the caller
/// caused it.
/// </summary>
public static class StatusClass
{
    public static CallVerdict Of(int status) => status switch
    {
        >= 200 and < 400 => CallVerdict.Success,
        408 or 425 or 429 or >= 500 => CallVerdict.Failure,
        _ => CallVerdict.Neutral,
    };
}
