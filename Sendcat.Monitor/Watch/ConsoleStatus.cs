namespace Sendcat.Monitor.Watch;

/// <summary>What <c>/api/status</c> answers.</summary>
/// <param name="State">The worst of the addresses, and <c>unknown</c> before the first look.</param>
internal sealed record ConsoleStatus(DateTimeOffset At, string State, IReadOnlyList<AddressStatus> Apis)
{
    private const string Unknown = "unknown";

    public static ConsoleStatus Of(ObservationHistory history, DateTimeOffset now)
    {
        List<AddressStatus> apis = [.. history.Snapshot().Where(a => a.Looks.Count > 0).Select(a => AddressStatus.Of(a.Address, a.Looks))];
        var states = apis.Select(a => a.Latest.State).ToList();
        var worst = states.Count == 0 ? Unknown
            : states.Contains(ApiObservation.Down) ? ApiObservation.Down
            : states.Contains(ApiObservation.Degraded) ? ApiObservation.Degraded
            : ApiObservation.Up;
        return new(now, worst, apis);
    }
}

/// <param name="UpShare">Share of the looks in the history that found it up, 0–1.</param>
internal sealed record AddressStatus(Uri Address, ApiObservation Latest, double UpShare, IReadOnlyList<Look> History)
{
    public static AddressStatus Of(Uri address, IReadOnlyList<ApiObservation> looks) => new(
        address,
        looks[^1],
        (double)looks.Count(l => l.State == ApiObservation.Up) / looks.Count,
        [.. looks.Select(l => new Look(l.At, l.State, Math.Round(l.LatencyMs, 1), l.Problem))]);
}

internal sealed record Look(DateTimeOffset At, string State, double LatencyMs, string? Problem);
