using System.Collections.Concurrent;
using HdrHistogram;

namespace Sendcat.Benchmarks.Load;

/// <summary>The figures of a run. Times are microseconds.</summary>
internal sealed class LoadFigures
{
    private const long MaxMicroseconds = 10L * 60 * 1_000_000;

    /// <summary>The time from the request to the first byte of the body.</summary>
    public HistogramBase FirstByte { get; } = Histogram();

    /// <summary>The time from the request to the first piece of text.</summary>
    public HistogramBase FirstToken { get; } = Histogram();

    /// <summary>The time of a piece from the write of the emulator to the read of the client.</summary>
    public HistogramBase Relay { get; } = Histogram();

    /// <summary>The increase of the time between two consecutive pieces, from sending to arrival.</summary>
    public HistogramBase AddedGap { get; } = Histogram();

    public ConcurrentQueue<string> Failures { get; } = new();

    /// <summary>The number of complete streams.</summary>
    public int Streams { get; set; }

    public TimeSpan Duration { get; set; }

    public void Add(LoadFigures other)
    {
        FirstByte.Add(other.FirstByte);
        FirstToken.Add(other.FirstToken);
        Relay.Add(other.Relay);
        AddedGap.Add(other.AddedGap);
        Streams += other.Streams;
        Duration += other.Duration;
        foreach (var failure in other.Failures)
        {
            Failures.Enqueue(failure);
        }
    }

    /// <summary>Records a time. A negative time, which two clock readings in the wrong order cause, counts as 0.</summary>
    public static void Record(HistogramBase histogram, double microseconds) =>
        histogram.RecordValue(Math.Clamp((long)microseconds, 0, MaxMicroseconds));

    private static LongConcurrentHistogram Histogram() => new(1, MaxMicroseconds, 3);
}
