using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Knobs;

/// <summary>
/// Logs at start which configured values were rejected. With <c>SENDCAT_STRICT_CONFIG=true</c> the host does not start in that case. A
/// value of this knob that is no boolean is rejected too, and counts as true: somebody meant to set it.
/// </summary>
internal sealed class KnobCheck(KnobRegistry knobs, IConfiguration configuration, ILogger<KnobCheck> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        var rejected = knobs.Rejected;
        foreach (var knob in rejected)
        {
            logger.KnobRejected(knob.Name, knob.Value, knob.Reason, knob.UsedDefault);
        }

        // Read without the registry, directly from the two names in the configuration. So no preset can set it.
        var strict = NonBlank(configuration["SENDCAT_STRICT_CONFIG"]) ?? NonBlank(configuration["Sendcat:Rollout:StrictConfig"]);
        if (rejected.Count > 0 && strict is not null && KnobText.Parse(strict.Trim(), typeof(bool)) is not false)
        {
            var problems = rejected.Select(knob => $"{knob.Name}={knob.Value} {knob.Reason}");
            throw new InvalidOperationException($"SENDCAT_STRICT_CONFIG: {string.Join("; ", problems)}");
        }

        return Task.CompletedTask;
    }

    private static string? NonBlank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
