using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Orders;

/// <summary>Knobs of orders and packages.</summary>
internal sealed class OrderOptions
{
    /// <summary>The most bytes of one feed of the warehouse.</summary>
    [Knob("PACKAGE_FEED_MAX_BYTES", Unit = "B"), Range(65_536, 67_108_864)]
    public int PackageFeedMaxBytes { get; set; } = 4 * 1024 * 1024;
}
