using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Knobs;

/// <summary>Says aloud at start which values were not taken; <c>SENDCAT_STRICT_CONFIG=true</c> refuses to start instead.</summary>
internal sealed class KnobCheck(KnobRegistry knobs, IConfiguration configuration, ILogger<KnobCheck> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        var rejected = knobs.Rejected;
        foreach (var knob in rejected)
        {
            logger.KnobRejected(knob.Name, knob.Value, knob.Reason, knob.UsedDefault);
        }

        // Read without the registry: a strict switch with a wrong value must not be the one knob that is forgiven.
        var strict = configuration["SENDCAT_STRICT_CONFIG"] ?? configuration["Sendcat:Rollout:StrictConfig"];
        if (rejected.Count > 0 && KnobText.Parse(strict?.Trim() ?? "", typeof(bool)) is true)
        {
            throw new InvalidOperationException($"SENDCAT_STRICT_CONFIG: {string.Join("; ", rejected.Select(knob => $"{knob.Name}={knob.Value} {knob.Reason}"))}");
        }

        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
