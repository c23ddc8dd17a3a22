using System.ComponentModel.DataAnnotations;

namespace Sendcat.Reliability.Knobs;

public enum TopologyMode
{
    SingleRegion,
    ActiveStandby,
    ActiveActive,
}

/// <summary>Where this deployment says it is. Metadata: nothing at run time depends on it.</summary>
public sealed class RegionOptions
{
    /// <summary>Name of the region.</summary>
    [Knob("RELIABILITY_REGION_ID"), RegularExpression("^[a-z0-9-]{2,24}$")]
    public string RegionId { get; set; } = "us-east-1";

    /// <summary>How regions share the traffic.</summary>
    [Knob("RELIABILITY_TOPOLOGY_MODE")]
    public TopologyMode TopologyMode { get; set; } = TopologyMode.SingleRegion;

    /// <summary>Regions are prepared but not steered.</summary>
    [Knob("RELIABILITY_REGION_READINESS_ONLY")]
    public bool ReadinessOnly { get; set; } = true;
}
