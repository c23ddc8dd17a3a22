using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Orders;

/// <summary>Knobs of orders and packages.</summary>
internal sealed class OrderOptions
{
    /// <summary>The most pre-alerts of a user. A user who announces numbers at random must not find the packages of others.</summary>
    [Knob("PRE_ALERTS_PER_USER_MAX"), Range(1, 1_000_000)]
    public int PreAlertsPerUserMax { get; set; } = 2_000;

    /// <summary>The most bytes of one feed of the warehouse.</summary>
    [Knob("PACKAGE_FEED_MAX_BYTES", Unit = "B"), Range(65_536, 67_108_864)]
    public int PackageFeedMaxBytes { get; set; } = 4 * 1024 * 1024;
}
