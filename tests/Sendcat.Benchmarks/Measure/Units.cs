using System.Globalization;
using HdrHistogram;

namespace Sendcat.Benchmarks.Measure;

internal static class Units
{
    /// <summary>A percentile of a histogram of microseconds (ms); null when the histogram is empty.</summary>
    /// <param name="histogram">The histogram (µs).</param>
    /// <param name="percentile">The percentile, from 0 to 100.</param>
    public static double? Ms(this HistogramBase histogram, double percentile) =>
        histogram.TotalCount == 0 ? null : Math.Round(histogram.GetValueAtPercentile(percentile) / 1000.0, 3);

    /// <summary>The ratio of two values; null when one is missing or the divisor is not positive.</summary>
    public static double? Over(this double? value, double? other) =>
        other is > 0 && value is { } number ? Math.Round(number / other.Value, 3) : null;

    public static string Text(double? value) => value is { } number ? number.ToString("0.0##", CultureInfo.InvariantCulture) : "–";
}
