using System.Globalization;
using Sendcat.Attacks.Attacks;
using Sendcat.Attacks.Callers;

namespace Sendcat.Attacks.Measure;

/// <summary>Prints the figures of the honest users and of the API process, alone and beside the attacker.</summary>
internal static class ComparisonTable
{
    /// <summary>
    /// The limit of the time to the first token beside an attacker: the larger of twice the value without it, and 250 ms.
    /// </summary>
    private const double MaxFactor = 2;

    private const double MinLimitMs = 250;

    public static void Write(HonestFigures alone, ProcessFigures costAlone, HonestFigures beside, ProcessFigures cost)
    {
        Console.WriteLine($"{"",-28}{"alone",16}{"beside",16}");
        Row("honest turns served", Of(alone), Of(beside));
        Row("first token p50 ms", Ms(alone.FirstToken(0.5)), Ms(beside.FirstToken(0.5)));
        Row("first token p95 ms", Ms(alone.FirstToken(0.95)), Ms(beside.FirstToken(0.95)));
        Row("memory highest MiB", MiB(costAlone.Highest), MiB(cost.Highest));
        Row("memory at the end MiB", MiB(costAlone.After), MiB(cost.After));
        Row("CPU, share of one core", Share(costAlone), Share(cost));
        var limit = Math.Max(MaxFactor * alone.FirstToken(0.95), MinLimitMs);
        Console.WriteLine(
            $"first token p95 beside the attacker: {Ms(beside.FirstToken(0.95))} ms, limit {Ms(limit)} ms: "
            + $"{(beside.FirstToken(0.95) <= limit ? "ok" : "EXCEEDED")}");
        foreach (var failed in beside.Failed.Take(5))
        {
            Console.WriteLine($"not served: {failed}");
        }
    }

    private static void Row(string name, string alone, string beside) => Console.WriteLine($"{name,-28}{alone,16}{beside,16}");

    private static string Of(HonestFigures figures) => $"{figures.Complete} of {figures.Turns.Count}";

    private static string Ms(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);

    private static string MiB(long bytes) => (bytes >> 20).ToString(CultureInfo.InvariantCulture);

    private static string Share(ProcessFigures cost) =>
        (cost.CpuSeconds / cost.Duration.TotalSeconds).ToString("0.00", CultureInfo.InvariantCulture);
}
