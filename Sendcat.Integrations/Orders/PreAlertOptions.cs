using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Orders;

/// <summary>Knobs of pre-alerts.</summary>
public sealed class PreAlertOptions
{
    /// <summary>The most pre-alerts of a user. A user who announces numbers at random must not find the packages of others.</summary>
    [Knob("PRE_ALERTS_PER_USER_MAX"), Range(1, 1_000_000)]
    public int PerUserMax { get; set; } = 2_000;
}
