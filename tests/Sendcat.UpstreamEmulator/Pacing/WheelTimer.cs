using System.Threading.Tasks.Sources;

namespace Sendcat.UpstreamEmulator.Pacing;

/// <summary>A stream's place on the wheel, reused for all of its waits. One wait at a time; the fields belong to the wheel and are guarded by its lock.</summary>
internal sealed class WheelTimer : IValueTaskSource
{
    public const long Never = long.MaxValue;

    private ManualResetValueTaskSourceCore<bool> source = new() { RunContinuationsAsynchronously = true };

    public WheelTimer? Next { get; set; }

    public WheelTimer? Previous { get; set; }

    /// <summary>In ticks of the wheel.</summary>
    public long Due { get; set; }

    /// <summary>True from arming until the one who will fire it has taken it off the wheel; so it fires once.</summary>
    public bool Armed { get; set; }

    public bool Cancelled { get; set; }

    public ValueTask Arm()
    {
        source.Reset();
        Armed = true;
        return new ValueTask(this, source.Version);
    }

    public void Fire() => source.SetResult(true);

    void IValueTaskSource.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => source.OnCompleted(continuation, state, token, flags);
}
