using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Sendcat.ServiceDefaults.Connections;

/// <summary>Counts the client connections of this process, each until its descriptor is free again.</summary>
internal sealed class ConnectionCount(ConnectionCap cap, TimeProvider time, ILogger<ConnectionCount> logger)
{
    public const string MeterName = "Sendcat.Connections";

    private static readonly TimeSpan WarningInterval = TimeSpan.FromSeconds(10);
    private static readonly Meter Meter = new(MeterName);
    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>(
        "sendcat.connections.refused", "{connection}", "Connections closed because the process has as many as it may.");

    private readonly Lock _gate = new();
    private int _open;
    private long _refusedSince;
    private long? _warnedAt;

    public int Open => Volatile.Read(ref _open);

    /// <returns>False: the cap is reached, and the connection was not counted.</returns>
    public bool TryAdd()
    {
        if (Interlocked.Increment(ref _open) <= cap.Connections)
        {
            return true;
        }

        Interlocked.Decrement(ref _open);
        Refused();
        return false;
    }

    public void Remove() => Interlocked.Decrement(ref _open);

    private void Refused()
    {
        Refusals.Add(1);
        long refused;
        lock (_gate)
        {
            _refusedSince++;
            if (_warnedAt is { } at && time.GetElapsedTime(at) < WarningInterval)
            {
                return;
            }

            (refused, _refusedSince, _warnedAt) = (_refusedSince, 0, time.GetTimestamp());
        }

        logger.ConnectionsRefused(refused, cap.Connections);
    }
}
