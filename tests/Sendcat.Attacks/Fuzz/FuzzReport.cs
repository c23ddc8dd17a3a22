using System.Globalization;
using System.Text;

namespace Sendcat.Attacks.Fuzz;

/// <summary>The result of a fuzzer run.</summary>
/// <param name="Plan">The options.</param>
/// <param name="Duration">The time for all requests.</param>
/// <param name="Statuses">The number of responses by status; 0: the connection was closed without a response.</param>
/// <param name="Failed">The number of responses with a problem.</param>
/// <param name="Failures">The first failures, with request and response.</param>
/// <param name="WarmBytes">The resident memory of the API after a part of the requests (bytes).</param>
/// <param name="SettledBytes">The resident memory of the API at most 60 s after the last request (bytes).</param>
/// <param name="Problems">Problems that do not belong to one response: the process ended, memory, health, the log.</param>
internal sealed record FuzzReport(
    FuzzPlan Plan, TimeSpan Duration, IReadOnlyDictionary<int, long> Statuses, long Failed, IReadOnlyCollection<string> Failures,
    long WarmBytes, long SettledBytes, IReadOnlyList<string> Problems)
{
    public bool Passed => Failed == 0 && Problems.Count == 0;

    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"seed {Plan.Seed}: {Plan.Requests} requests in {Duration.TotalSeconds:0} s, "
            + $"{Plan.Requests / Duration.TotalSeconds:0}/s; {Failed} failures; "
            + $"memory {WarmBytes >> 20} MiB warm, {SettledBytes >> 20} MiB settled");
        text.AppendLine(string.Join(", ", Statuses.OrderBy(it => it.Key).Select(
            it => $"{it.Value} × {(it.Key == 0 ? "closed" : it.Key.ToString(CultureInfo.InvariantCulture))}")));
        foreach (var problem in Problems.Concat(Failures))
        {
            text.AppendLine(problem);
        }

        return text.ToString();
    }
}
