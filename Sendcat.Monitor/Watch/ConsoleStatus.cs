namespace Sendcat.Monitor.Watch;

/// <summary>The response of <c>/api/status</c>, which needs no sign-in: no address, no number.</summary>
/// <param name="Problem">Of the first address that has one.</param>
internal sealed record PublicStatus(DateTimeOffset At, string State, string? Problem)
{
    public static PublicStatus Of(ConsoleStatus status) =>
        new(status.At, status.State, status.Apis.Select(api => api.Latest.Problem).FirstOrDefault(problem => problem is not null));
}

/// <summary>The last probes of every address.</summary>
/// <param name="State">The worst state of all addresses; <c>unknown</c> before the first probe.</param>
internal sealed record ConsoleStatus(DateTimeOffset At, string State, IReadOnlyList<AddressStatus> Apis)
{
    private const string Unknown = "unknown";

    public static ConsoleStatus Of(ObservationHistory history, DateTimeOffset now)
    {
        List<AddressStatus> apis =
        [
            .. history.Snapshot().Where(a => a.Observations.Count > 0).Select(a => AddressStatus.Of(a.Address, a.Observations)),
        ];
        var states = apis.Select(a => a.Latest.State).ToList();
        var worst = states.Count == 0 ? Unknown
            : states.Contains(ApiObservation.Down) ? ApiObservation.Down
            : states.Contains(ApiObservation.Degraded) ? ApiObservation.Degraded
            : ApiObservation.Up;
        return new(now, worst, apis);
    }
}

/// <param name="UpShare">Share of the probes in the history with the state <c>up</c>, 0–1.</param>
internal sealed record AddressStatus(Uri Address, ApiObservation Latest, double UpShare, IReadOnlyList<ProbeSummary> History)
{
    public static AddressStatus Of(Uri address, IReadOnlyList<ApiObservation> observations) => new(
        address,
        observations[^1],
        (double)observations.Count(o => o.State == ApiObservation.Up) / observations.Count,
        [.. observations.Select(o => new ProbeSummary(o.At, o.State, Math.Round(o.LatencyMs, 1), o.Problem))]);
}

internal sealed record ProbeSummary(DateTimeOffset At, string State, double LatencyMs, string? Problem);
