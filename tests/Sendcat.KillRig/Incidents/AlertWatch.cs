namespace Sendcat.KillRig.Incidents;

/// <summary>
/// The alerts that begin while it watches: raised, or opened again, which keeps the time at which they were raised first. What is open
/// already counts when it has been resolved meanwhile.
/// </summary>
internal sealed class AlertWatch(LocalSystem system, TimeProvider time)
{
    private readonly List<BegunAlert> _begun = [];
    private IReadOnlyList<RaisedAlert>? _open;

    /// <summary>What has begun so far, the oldest first.</summary>
    public IReadOnlyList<BegunAlert> Begun => _begun;

    /// <summary>What was open when it last looked.</summary>
    public IReadOnlyList<RaisedAlert> Open => _open ?? [];

    /// <summary>Reads the alerts. The first call begins the watch.</summary>
    /// <returns>False: the API did not respond. What was raised is stored, and read later.</returns>
    public async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            var (alerts, now) = (await system.AlertsAsync(cancellationToken), time.GetUtcNow());
            if (_open is { } before)
            {
                _begun.AddRange(
                    from alert in alerts
                    where before.All(other => other.Key != alert.Key)
                    orderby alert.RaisedAt
                    select new BegunAlert(alert, now));
            }

            _open = alerts;
            return true;
        }
        catch (Exception exception) when (IsNoResponse(exception, cancellationToken))
        {
            return false;
        }
    }

    /// <summary>Whether a request ended because the API does not respond, and not because the run was stopped.</summary>
    public static bool IsNoResponse(Exception exception, CancellationToken stopping) =>
        exception is HttpRequestException || (exception is TaskCanceledException && !stopping.IsCancellationRequested);
}

/// <param name="SeenAt">When it was first read as open, which is at most a second after it began while the API responds.</param>
internal sealed record BegunAlert(RaisedAlert Alert, DateTimeOffset SeenAt);
