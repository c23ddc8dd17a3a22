using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Knobs;

/// <summary>
/// Logs at start which configured values were rejected. With <c>SENDCAT_STRICT_CONFIG=true</c> the host does not start in that case.
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
        var strict = configuration["SENDCAT_STRICT_CONFIG"] ?? configuration["Sendcat:Rollout:StrictConfig"];
        if (rejected.Count > 0 && KnobText.Parse(strict?.Trim() ?? "", typeof(bool)) is true)
        {
            var problems = rejected.Select(knob => $"{knob.Name}={knob.Value} {knob.Reason}");
            throw new InvalidOperationException($"SENDCAT_STRICT_CONFIG: {string.Join("; ", problems)}");
        }

        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
