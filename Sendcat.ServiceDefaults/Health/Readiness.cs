using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Sendcat.ServiceDefaults.Health;

/// <summary>The health report, made at most once in <see cref="KeptFor"/> and by one asker at a time: however many probes come, the stores see one.</summary>
internal sealed class Readiness(HealthCheckService checks, TimeProvider clock)
{
    public static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private Task<HealthReport>? report;
    private long madeAt;

    public Task<HealthReport> ReportAsync()
    {
        lock (gate)
        {
            if (report is null or { IsFaulted: true } || (report.IsCompleted && clock.GetElapsedTime(madeAt) >= KeptFor))
            {
                madeAt = clock.GetTimestamp();
                report = checks.CheckHealthAsync(CancellationToken.None);
            }

            return report;
        }
    }
}
