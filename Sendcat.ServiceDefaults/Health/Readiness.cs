using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Sendcat.ServiceDefaults.Health;

/// <summary>
/// The cached health report. It is created at most once per <see cref="CacheDuration"/>, by one caller at a time, so that many probes cause
/// one check of the stores.
/// </summary>
internal sealed class Readiness(HealthCheckService checks, TimeProvider clock)
{
    public static readonly TimeSpan CacheDuration = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private Task<HealthReport>? _report;
    private long _createdAt;

    public Task<HealthReport> ReportAsync()
    {
        lock (_gate)
        {
            if (_report is null or { IsFaulted: true } || (_report.IsCompleted && clock.GetElapsedTime(_createdAt) >= CacheDuration))
            {
                _createdAt = clock.GetTimestamp();
                _report = checks.CheckHealthAsync(CancellationToken.None);
            }

            return _report;
        }
    }
}
