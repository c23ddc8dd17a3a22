using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Sendcat.ServiceDefaults.Health;

/// <summary>
/// The cached health report. It is created at most once per <see cref="CacheDuration"/>, by one caller at a time, so that many probes cause
/// one check of the stores.
/// </summary>
internal sealed class Readiness(HealthCheckService checks, TimeProvider clock)
{
    public static readonly TimeSpan CacheDuration = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private Task<HealthReport>? report;
    private long createdAt;

    public Task<HealthReport> ReportAsync()
    {
        lock (gate)
        {
            if (report is null or { IsFaulted: true } || (report.IsCompleted && clock.GetElapsedTime(createdAt) >= CacheDuration))
            {
                createdAt = clock.GetTimestamp();
                report = checks.CheckHealthAsync(CancellationToken.None);
            }

            return report;
        }
    }
}
