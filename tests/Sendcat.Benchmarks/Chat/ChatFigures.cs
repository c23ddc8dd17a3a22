using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;

namespace Sendcat.Benchmarks.Chat;

/// <summary>The figures of all rounds of one shape with one target.</summary>
internal sealed class ChatFigures
{
    private readonly LoadFigures load = new();
    private double cpu;
    private double stores;

    public IEnumerable<string> Failures => load.Failures;

    /// <summary>Adds the figures of one round.</summary>
    /// <param name="figures">The figures of the streams.</param>
    /// <param name="targetCpu">The CPU time of the proxy or API process (s).</param>
    /// <param name="storesCpu">The CPU time of its stores (s).</param>
    public void Add(LoadFigures figures, double targetCpu, double storesCpu)
    {
        load.Add(figures);
        cpu += targetCpu;
        stores += storesCpu;
    }

    /// <summary>The figures by name, in the order of the table; null where a figure does not apply.</summary>
    public IReadOnlyDictionary<string, double?> ByName(bool paced, ChatFigures? direct)
    {
        var reference = ReferenceEquals(this, direct) ? null : direct?.load.FirstToken;
        return new Dictionary<string, double?>
        {
            ["failures"] = load.Failures.Count,
            ["first byte p50 ms"] = load.FirstByte.Ms(50),
            ["first byte p99 ms"] = load.FirstByte.Ms(99),
            ["first token p50 ms"] = load.FirstToken.Ms(50),
            ["first token p99 ms"] = load.FirstToken.Ms(99),
            ["first token added p50 ms"] = load.FirstToken.Ms(50) - reference?.Ms(50),
            ["first token added p99 ms"] = load.FirstToken.Ms(99) - reference?.Ms(99),
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
