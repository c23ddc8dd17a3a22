using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Sendcat.ServiceDefaults.Health;

/// <summary>
/// The cached health report. It is created at most once per <see cref="CacheDuration"/>, by one caller at a time, so that many probes cause
/// one check of the stores. The state of a check is logged when it changes.
/// </summary>
internal sealed class Readiness(HealthCheckService checks, TimeProvider clock, ILogger<Readiness> logger)
{
    public static readonly TimeSpan CacheDuration = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, HealthStatus> _last = [];
    private Task<HealthReport>? _report;
    private long _createdAt;

    public Task<HealthReport> ReportAsync()
    {
        lock (_gate)
        {
            if (_report is null or { IsFaulted: true } || (_report.IsCompleted && clock.GetElapsedTime(_createdAt) >= CacheDuration))
            {
                _createdAt = clock.GetTimestamp();
                _report = CheckAsync();
            }

            return _report;
        }
    }

    private async Task<HealthReport> CheckAsync()
    {
        var report = await checks.CheckHealthAsync(CancellationToken.None);
        foreach (var (name, check) in report.Entries)
        {
            // One report is created at a time, so the states need no lock.
            if (check.Status == _last.GetValueOrDefault(name, HealthStatus.Healthy))
            {
                continue;
            }

            _last[name] = check.Status;
            if (check.Status == HealthStatus.Healthy)
            {
                logger.CheckHealthy(name);
            }
            else
            {
                logger.CheckFailed(name, check.Status, check.Exception?.Message ?? check.Description);
            }
        }

        return report;
    }
}
