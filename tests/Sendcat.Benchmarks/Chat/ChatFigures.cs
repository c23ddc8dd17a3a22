using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;

namespace Sendcat.Benchmarks.Chat;

/// <summary>The figures of all rounds of one shape with one target.</summary>
internal sealed class ChatFigures
{
    private readonly LoadFigures _load = new();
    private double _cpu;
    private double _stores;

    public IEnumerable<string> Failures => _load.Failures;

    /// <summary>Adds the figures of one round.</summary>
    /// <param name="figures">The figures of the streams.</param>
    /// <param name="targetCpu">The CPU time of the proxy or API process (s).</param>
    /// <param name="storesCpu">The CPU time of its stores (s).</param>
    public void Add(LoadFigures figures, double targetCpu, double storesCpu)
    {
        _load.Add(figures);
        _cpu += targetCpu;
        _stores += storesCpu;
    }

    /// <summary>The figures by name, in the order of the table; null where a figure does not apply.</summary>
    public IReadOnlyDictionary<string, double?> ByName(bool paced, ChatFigures? direct)
    {
        var reference = ReferenceEquals(this, direct) ? null : direct?._load.FirstToken;
        return new Dictionary<string, double?>
        {
            ["failures"] = _load.Failures.Count,
            ["first byte p50 ms"] = _load.FirstByte.Ms(50),
            ["first byte p99 ms"] = _load.FirstByte.Ms(99),
            ["first token p50 ms"] = _load.FirstToken.Ms(50),
            ["first token p99 ms"] = _load.FirstToken.Ms(99),
            ["first token added p50 ms"] = _load.FirstToken.Ms(50) - reference?.Ms(50),
            ["first token added p99 ms"] = _load.FirstToken.Ms(99) - reference?.Ms(99),
            ["relay p50 ms"] = _load.Relay.Ms(50),
            ["relay p99 ms"] = _load.Relay.Ms(99),
            ["added gap p99 ms"] = paced ? _load.AddedGap.Ms(99) : null,
            ["CPU-s per 1000 streams"] = PerThousand(_cpu),
            ["CPU-s per 1000, its stores"] = PerThousand(_stores),
            ["streams/s"] = Math.Round(_load.Streams / _load.Duration.TotalSeconds, 1),
        };
    }

    private double? PerThousand(double seconds) => seconds > 0 && _load.Streams > 0 ? Math.Round(seconds * 1000 / _load.Streams, 3) : null;
}
