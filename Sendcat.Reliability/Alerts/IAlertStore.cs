namespace Sendcat.Reliability.Alerts;

/// <summary>Where alerts are stored: in Postgres, or in memory while there is no Postgres.</summary>
public interface IAlertStore
{
    /// <summary>Becomes or remains the only program that judges.</summary>
    /// <returns>False: another one leads.</returns>
    Task<bool> LeadAsync(DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>The open alerts, and those of the last day.</summary>
    Task<IReadOnlyList<Alert>> KnownAsync(DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Makes the changes and enters the messages that they cause, all or nothing.</summary>
    /// <param name="channels">The channels that get a message about a kind and an event.</param>
    /// <returns>False: another program leads by now, and nothing was changed.</returns>
    Task<bool> CommitAsync(
        IReadOnlyList<AlertChange> changes, Func<string, AlertEvent, IReadOnlyList<string>> channels, DateTimeOffset now,
        CancellationToken cancellationToken);

    /// <summary>The messages to send now, the oldest first.</summary>
    Task<IReadOnlyList<AlertNotice>> DueAsync(DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Records the end of an attempt to send a message.</summary>
    /// <param name="failure">Null: it was sent.</param>
    Task EndAsync(AlertNotice notice, string? failure, DateTimeOffset now, CancellationToken cancellationToken);
}
