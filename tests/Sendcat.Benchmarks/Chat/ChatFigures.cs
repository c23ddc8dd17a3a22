using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;

namespace Sendcat.Benchmarks.Chat;

/// <summary>All rounds of one shape against one target.</summary>
internal sealed class ChatFigures
{
    private readonly LoadFigures load = new();
    private double cpu;
    private double stores;

    public IEnumerable<string> Failures => load.Failures;

    /// <param name="middle">CPU seconds of the process in the middle.</param>
    /// <param name="others">CPU seconds of its stores.</param>
    public void Add(LoadFigures figures, double middle, double others)
    {
        load.Add(figures);
        cpu += middle;
        stores += others;
    }

    /// <summary>By name, in the order of the table; null where a figure does not apply.</summary>
    public IReadOnlyDictionary<string, double?> Named(bool paced, ChatFigures? direct)
    {
        var beside = ReferenceEquals(this, direct) ? null : direct?.load.FirstToken;
        return new Dictionary<string, double?>
        {
            ["failures"] = load.Failures.Count,
            ["first byte p50 ms"] = load.FirstByte.Ms(50),
            ["first byte p99 ms"] = load.FirstByte.Ms(99),
            ["first token p50 ms"] = load.FirstToken.Ms(50),
            ["first token p99 ms"] = load.FirstToken.Ms(99),
            ["first token added p50 ms"] = load.FirstToken.Ms(50) - beside?.Ms(50),
            ["first token added p99 ms"] = load.FirstToken.Ms(99) - beside?.Ms(99),
            ["relay p50 ms"] = load.Relay.Ms(50),
            ["relay p99 ms"] = load.Relay.Ms(99),
            ["added gap p99 ms"] = paced ? load.AddedGap.Ms(99) : null,
            ["CPU-s per 1000 streams"] = PerThousand(cpu),
            ["CPU-s per 1000, its stores"] = PerThousand(stores),
            ["streams/s"] = Math.Round(load.Streams / load.Duration.TotalSeconds, 1),
        };
    }

    private double? PerThousand(double seconds) => seconds > 0 && load.Streams > 0 ? Math.Round(seconds * 1000 / load.Streams, 3) : null;
}
