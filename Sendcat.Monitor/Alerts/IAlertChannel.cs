using Sendcat.Reliability.Alerts;

namespace Sendcat.Monitor.Alerts;

/// <summary>A receiver of messages about alerts.</summary>
internal interface IAlertChannel
{
    /// <summary>The name in the database: <c>sentry</c> or <c>webhook</c>.</summary>
    string Name { get; }

    /// <summary>Whether the receiver is configured for alerts of the kind, and gets messages of this event.</summary>
    bool Takes(string kind, AlertEvent happened);

    /// <returns>Null: it was received. Otherwise why not, in a few words without secrets.</returns>
    Task<string?> SendAsync(AlertNotice notice, CancellationToken cancellationToken);
}
