using System.Globalization;
using System.Text;

namespace Sendcat.Attacks.Fuzz;

/// <param name="WarmBytes">Resident memory of the API when it had seen a part of the requests.</param>
/// <param name="SettledBytes">The same some time after the last one.</param>
/// <param name="Complaints">What is wrong beside the answers.</param>
internal sealed record FuzzReport(
    FuzzPlan Plan, TimeSpan Duration, IReadOnlyDictionary<int, long> Statuses, long Failed, IReadOnlyCollection<string> Failures, long WarmBytes, long SettledBytes, IReadOnlyList<string> Complaints)
{
    public bool Passed => Failed == 0 && Complaints.Count == 0;

    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"seed {Plan.Seed}: {Plan.Requests} requests in {Duration.TotalSeconds:0} s, {Plan.Requests / Duration.TotalSeconds:0}/s; {Failed} failures; memory {WarmBytes >> 20} MiB warm, {SettledBytes >> 20} MiB settled");
        text.AppendLine(string.Join(", ", Statuses.OrderBy(it => it.Key).Select(it => $"{it.Value} × {(it.Key == 0 ? "closed" : it.Key.ToString(CultureInfo.InvariantCulture))}")));
        foreach (var complaint in Complaints.Concat(Failures))
        {
            text.AppendLine(complaint);
        }

        return text.ToString();
    }
}
