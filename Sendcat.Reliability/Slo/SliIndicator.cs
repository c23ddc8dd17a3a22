namespace Sendcat.Reliability.Slo;

/// <summary>What is measured of an endpoint. See <c>docs/slo.md</c>.</summary>
public enum SliIndicator
{
    /// <summary>Requests that did not fail because of us or of what we depend on.</summary>
    Availability,

    /// <summary>Time from the accepted request to the first token of its answer.</summary>
    FirstToken,

    /// <summary>Time from the accepted request to the end of its answer.</summary>
    Completion,

    /// <summary>Time from the delivery of a webhook to its acknowledgement.</summary>
    Acknowledgement,
}

public static class SliIndicators
{
    /// <summary>The name in the policy, in JSON and in metrics.</summary>
    public static string Name(this SliIndicator indicator) => indicator switch
    {
        SliIndicator.Availability => "availability",
        SliIndicator.FirstToken => "first_token",
        SliIndicator.Completion => "completion",
        SliIndicator.Acknowledgement => "acknowledgement",
        _ => throw new ArgumentOutOfRangeException(nameof(indicator), indicator, "The indicator has no name."),
    };
}
