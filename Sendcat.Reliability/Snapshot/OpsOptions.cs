using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Snapshot;

/// <summary>Defaults of the reliability snapshot for operators.</summary>
public sealed class OpsOptions
{
    /// <summary>Default window of a snapshot.</summary>
    [Knob("OPS_DEFAULT_WINDOW_MINUTES"), Range(1, 1_440)]
    public int DefaultWindowMinutes { get; set; } = 15;

    /// <summary>Default and maximum number of rows in a list of a snapshot.</summary>
    [Knob("OPS_MAX_ROWS_PER_SECTION"), Range(5, 5_000)]
    public int MaxRowsPerSection { get; set; } = 50;
}
