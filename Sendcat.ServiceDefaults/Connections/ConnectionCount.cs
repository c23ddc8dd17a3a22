using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Sendcat.ServiceDefaults.Connections;

/// <summary>Counts the client connections of this process, each until its descriptor is free again.</summary>
internal sealed class ConnectionCount(ConnectionCap cap, TimeProvider time, ILogger<ConnectionCount> logger)
{
    public const string MeterName = "Sendcat.Connections";

    private static readonly TimeSpan WarningInterval = TimeSpan.FromSeconds(10);
    private static readonly Meter Meter = new(MeterName);
    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>("sendcat.connections.refused", "{connection}", "Connections closed because the process has as many as it may.");

    private readonly Lock gate = new();
    private int open;
    private long refusedSince;
    private long? warnedAt;

    public int Open => Volatile.Read(ref open);

    /// <returns>False: the cap is reached, and the connection was not counted.</returns>
    public bool TryAdd()
    {
        if (Interlocked.Increment(ref open) <= cap.Connections)
        {
            return true;
        }

        Interlocked.Decrement(ref open);
        Refused();
        return false;
    }

    public void Remove() => Interlocked.Decrement(ref open);

    private void Refused()
    {
        Refusals.Add(1);
        long refused;
        lock (gate)
        {
            refusedSince++;
            if (warnedAt is { } at && time.GetElapsedTime(at) < WarningInterval)
            {
                return;
            }

            (refused, refusedSince, warnedAt) = (refusedSince, 0, time.GetTimestamp());
        }

        logger.ConnectionsRefused(refused, cap.Connections);
    }
}
