namespace Sendcat.Reliability.Slo;

/// <summary>
/// Counts the requests of the running minute in memory, and keeps the minutes that ended until they are written. A minute that the process
/// slept through is not counted: it is a gap. Thread-safe.
/// </summary>
internal sealed class SliTally(IEnumerable<string> endpoints)
{
    /// <summary>Minutes in memory while Postgres is unavailable: a day. Beyond it the oldest are lost.</summary>
    public const int Capacity = 1_440;

    private readonly Lock _gate = new();
    private readonly string[] _endpoints = [.. endpoints];
    private readonly List<SliMinute[]> _ended = [];
    private SliMinute[]? _running;

    /// <summary>Counts a request in the minute of <paramref name="now"/>.</summary>
    /// <exception cref="ArgumentException">The endpoint has no objectives.</exception>
    public void Add(string endpoint, in SliRequest request, DateTimeOffset now)
    {
        lock (_gate)
        {
            var minute = RunningAt(now);
            var index = Array.IndexOf(_endpoints, endpoint);
            if (index < 0)
            {
                throw new ArgumentException($"The policy has no endpoint {endpoint}.", nameof(endpoint));
            }

            minute[index].Add(request);
        }
    }

    /// <summary>The process runs at this moment, so that its minute is recorded even without requests.</summary>
    public void Touch(DateTimeOffset now)
    {
        lock (_gate)
        {
            RunningAt(now);
        }
    }

    /// <summary>The minutes that have ended, the oldest first, until <see cref="Remove"/>.</summary>
    public IReadOnlyList<SliMinute> Ended()
    {
        lock (_gate)
        {
            return [.. _ended.SelectMany(minute => minute)];
        }
    }

    /// <summary>Removes minutes that are written.</summary>
    public void Remove(IReadOnlyCollection<SliMinute> written)
    {
        var until = written.Max(minute => minute.Minute);
        lock (_gate)
        {
            _ended.RemoveAll(minute => minute[0].Minute <= until);
        }
    }

    /// <summary>Ends the running minute now: the process stops.</summary>
    public void End()
    {
        lock (_gate)
        {
            if (_running is not null)
            {
                Keep(_running);
            }

            _running = null;
        }
    }

    private SliMinute[] RunningAt(DateTimeOffset now)
    {
        var minute = SliWindows.MinuteOf(now);
        if (_running is null)
        {
            return _running = New(minute);
        }

        // A clock that was set back stays in the minute that it was in.
        if (minute > _running[0].Minute)
        {
            Keep(_running);
            _running = New(minute);
        }

        return _running;
    }

    private SliMinute[] New(DateTimeOffset minute) => [.. _endpoints.Select(endpoint => new SliMinute(minute, endpoint))];

    private void Keep(SliMinute[] minute)
    {
        if (_ended.Count >= Capacity)
        {
            _ended.RemoveAt(0);
        }

        _ended.Add(minute);
    }
}
