using System.Collections.Concurrent;
using HdrHistogram;

namespace Sendcat.Benchmarks.Load;

/// <summary>What a run measured. Times are microseconds.</summary>
internal sealed class LoadFigures
{
    private const long Longest = 10L * 60 * 1_000_000;

    /// <summary>Request sent → first byte of the body.</summary>
    public HistogramBase FirstByte { get; } = Histogram();

    /// <summary>Request sent → first piece of text.</summary>
    public HistogramBase FirstToken { get; } = Histogram();

    /// <summary>Piece written by the emulator → read by the client.</summary>
    public HistogramBase Relay { get; } = Histogram();

    /// <summary>By how much more two pieces lie apart when they arrive than when they were sent.</summary>
    public HistogramBase AddedGap { get; } = Histogram();

    public ConcurrentQueue<string> Failures { get; } = new();

    /// <summary>Streams that came whole.</summary>
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

    /// <summary>A negative time is two clock readings that crossed: nothing.</summary>
    public static void Record(HistogramBase histogram, double microseconds) => histogram.RecordValue(Math.Clamp((long)microseconds, 0, Longest));

    private static LongConcurrentHistogram Histogram() => new(1, Longest, 3);
}
