using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Outages;

/// <summary>
/// Lets repeated work that needs a store log its failures once. While the store is unavailable, that is the line of the store
/// (<see cref="StoreOutage"/>); for any other failure it is a line of the work (<see cref="Outage"/>). Each part of the work reports every
/// end of its operations, which run one after another. Thread-safe.
/// </summary>
/// <param name="work">The work, for the log: "Turn journal".</param>
public sealed class WorkOutage(string work, StoreOutage store, ILogger logger, TimeProvider time)
{
    private readonly Outage _own = new(work, logger, time);

    /// <summary>When each part last reported: its present operation has begun since then, or before the store was back.</summary>
    private readonly ConcurrentDictionary<string, long> _reported = [];

    /// <summary>Records a failure.</summary>
    /// <param name="part">Work of several parts is in an outage from the first part that fails until no part fails.</param>
    /// <returns>True: the store is available, an outage of the work begins with this failure, and the caller logs it.</returns>
    public bool Begins(Exception failure, string part = "")
    {
        var began = _reported.GetValueOrDefault(part);
        _reported[part] = time.GetTimestamp();
        return !store.Records(work, failure, began) && _own.Begins(part);
    }

    /// <summary>Records a success of the work, and so of its store.</summary>
    public void Ends(string part = "")
    {
        _reported[part] = time.GetTimestamp();
        _own.Ends(part);
        store.Works();
    }
}
