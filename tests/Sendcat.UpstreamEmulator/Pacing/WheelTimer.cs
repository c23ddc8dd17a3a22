using System.Threading.Tasks.Sources;

namespace Sendcat.UpstreamEmulator.Pacing;

/// <summary>
/// The entry of one stream in the timing wheel, reused for all waits of the stream. Only one wait may run at a time.
/// The properties belong to the wheel, and its lock guards them.
/// </summary>
internal sealed class WheelTimer : IValueTaskSource
{
    public const long Never = long.MaxValue;

    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };

    public WheelTimer? Next { get; set; }

    public WheelTimer? Previous { get; set; }

    /// <summary>The due time in ticks of the wheel.</summary>
    public long Due { get; set; }

    /// <summary>
    /// True from <see cref="Arm"/> until the code that fires the timer has removed it from the wheel, so the timer fires once.
    /// </summary>
    public bool Armed { get; set; }

    public bool Cancelled { get; set; }

    public ValueTask Arm()
    {
        _source.Reset();
        Armed = true;
        return new ValueTask(this, _source.Version);
    }

    public void Fire() => _source.SetResult(true);

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
