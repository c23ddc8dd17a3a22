using System.ComponentModel.DataAnnotations;

namespace Sendcat.Reliability.Knobs;

public enum TopologyMode
{
    SingleRegion,
    ActiveStandby,
    ActiveActive,
}

/// <summary>Region and topology of this deployment. Metadata only: they do not change the behaviour at run time.</summary>
public sealed class RegionOptions
{
    /// <summary>Name of the region.</summary>
    [Knob("RELIABILITY_REGION_ID"), RegularExpression("^[a-z0-9-]{2,24}$")]
    public string RegionId { get; set; } = "us-east-1";

    /// <summary>How the regions share the traffic.</summary>
    [Knob("RELIABILITY_TOPOLOGY_MODE")]
    public TopologyMode TopologyMode { get; set; } = TopologyMode.SingleRegion;

    /// <summary>Regions are prepared, but traffic is not routed between them.</summary>
    [Knob("RELIABILITY_REGION_READINESS_ONLY")]
    public bool ReadinessOnly { get; set; } = true;
}
