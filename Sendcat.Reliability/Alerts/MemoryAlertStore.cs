namespace Sendcat.Reliability.Alerts;

/// <summary>
/// Alerts in memory: for a watcher without a database, and while the database is unavailable. It begins with what is known, and is moved to
/// Postgres later.
/// </summary>
public sealed class MemoryAlertStore(IEnumerable<Alert> known) : IAlertStore
{
    /// <summary>Alerts that ended longer ago are forgotten.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromDays(1);

    private readonly Lock _gate = new();
    private readonly List<Alert> _alerts = [.. known];
    private readonly HashSet<Alert> _unchanged = new(known, ReferenceEqualityComparer.Instance);
    private readonly List<AlertNotice> _notices = [];
    private readonly Dictionary<long, DateTimeOffset> _nextAttempts = [];
    private long _lastId;

    public IReadOnlyList<Alert> Alerts
    {
        get
        {
            lock (_gate)
            {
                return [.. _alerts];
            }
        }
    }

    /// <summary>The alerts that were raised, held or resolved here.</summary>
    public IReadOnlyList<Alert> Changed
    {
        get
        {
            lock (_gate)
            {
                return [.. _alerts.Where(alert => !_unchanged.Contains(alert))];
            }
        }
    }

    /// <summary>All messages of the last day, with their present alerts.</summary>
    public IReadOnlyList<AlertNotice> Notices
    {
        get
        {
            lock (_gate)
            {
                return [.. _notices];
            }
        }
    }

    /// <summary>One process has its own memory, so it always leads.</summary>
    public Task<bool> LeadAsync(DateTimeOffset now, CancellationToken cancellationToken) => Task.FromResult(true);

    public Task<IReadOnlyList<Alert>> KnownAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _alerts.RemoveAll(alert => alert.ResolvedAt < now - Kept);
            _notices.RemoveAll(notice => notice.CreatedAt < now - Kept);
            return Task.FromResult<IReadOnlyList<Alert>>([.. _alerts]);
        }
    }

    public Task<bool> CommitAsync(
        IReadOnlyList<AlertChange> changes, Func<string, AlertEvent, IReadOnlyList<string>> channels, DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            foreach (var change in changes)
            {
                var alert = Apply(change, now);
                if (change.Event is { } happened)
                {
                    foreach (var channel in channels(change.Key.Kind, happened))
                    {
                        _notices.Add(new(--_lastId, alert, channel, happened, Guid.NewGuid(), now, 0));
                        _nextAttempts[_lastId] = now;
                    }
                }
            }
        }

        return Task.FromResult(true);
    }

    public Task<IReadOnlyList<AlertNotice>> DueAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return Task.FromResult<IReadOnlyList<AlertNotice>>(
                [.. _notices.Where(notice => notice.SentAt is null && _nextAttempts[notice.Id] <= now)]);
        }
    }

    public Task EndAsync(AlertNotice notice, string? failure, DateTimeOffset now, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var at = _notices.FindIndex(it => it.Id == notice.Id);
            if (at >= 0)
            {
                var attempts = notice.Attempts + 1;
                _notices[at] = _notices[at] with
                {
                    Attempts = attempts,
                    SentAt = failure is null ? now : null,
                    FailedAt = failure is null ? notice.FailedAt : now,
                    Failure = failure,
                };
                _nextAttempts[notice.Id] = now + AlertNotice.PauseAfter(attempts);
            }
        }

        return Task.CompletedTask;
    }

    private Alert Apply(AlertChange change, DateTimeOffset now)
    {
        if (change is AlertChange.Raised raised)
        {
            var added = Alert.Of(--_lastId, raised.Finding, now);
            _alerts.Add(added);
            return added;
        }

        var changed = change switch
        {
            AlertChange.Held { Alert: { } alert } held => alert.Seen(held, now),
            AlertChange.Resolved { Alert: { } alert } => alert with { ResolvedAt = now },
            _ => throw new InvalidOperationException($"The change {change.GetType().Name} is unknown."),
        };
        return _alerts[_alerts.FindIndex(alert => alert.Id == changed.Id)] = changed;
    }
}
