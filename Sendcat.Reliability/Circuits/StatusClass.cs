namespace Sendcat.Reliability.Circuits;

public enum CallVerdict
{
    Success,
    Failure,

    /// <summary>Says nothing about the provider's health.</summary>
    Neutral,
}

/// <summary>What an HTTP status says about a provider: 2xx and 3xx success; 408, 425, 429 and from 500 failure; the rest is the caller's own fault.</summary>
public static class StatusClass
{
    public static CallVerdict Of(int status) => status switch
    {
        >= 200 and < 400 => CallVerdict.Success,
        408 or 425 or 429 or >= 500 => CallVerdict.Failure,
        _ => CallVerdict.Neutral,
    };
}
