using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Snapshot;

/// <summary>What the reliability snapshot shows when it is not told.</summary>
public sealed class OpsOptions
{
    /// <summary>Window of a snapshot.</summary>
    [Knob("OPS_DEFAULT_WINDOW_MINUTES"), Range(1, 1_440)]
    public int DefaultWindowMinutes { get; set; } = 15;

    /// <summary>Rows of a section: the default and the most.</summary>
    [Knob("OPS_MAX_ROWS_PER_SECTION"), Range(5, 500)]
    public int MaxRowsPerSection { get; set; } = 50;
}
