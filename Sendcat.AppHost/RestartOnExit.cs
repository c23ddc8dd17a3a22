using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sendcat.AppHost;

/// <summary>
/// Restarts processes that exited by themselves, because DCP does not. A process that a command stopped stays stopped.
/// The pauses between restarts grow from 1 s to 30 s; after a minute of running they start again at 1 s.
/// </summary>
internal sealed class RestartOnExit(
    ResourceNotificationService notifications, ResourceCommandService commands, ResourceLoggerService logs,
    TimeProvider time) : BackgroundService
{
    private const int LastLines = 15;

    /// <summary>DCP reads the output from a file.</summary>
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, RestartHistory> _instances = new(StringComparer.Ordinal);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var restarts = new List<Task>();
        try
        {
            await foreach (var change in notifications.WatchAsync(stoppingToken))
            {
                // A change can concern the resource as a whole, which has no process of its own when it has replicas.
                if (!change.Resource.HasAnnotationOfType<RestartOnExitAnnotation>() || change.Snapshot.State?.Text is not { } state)
                {
                    continue;
                }

                var history = _instances.GetValueOrDefault(change.ResourceId) ?? new RestartHistory();
                var (next, pause) = history.After(state, time.GetUtcNow());
                _instances[change.ResourceId] = next;
                if (pause is { } wait)
                {
                    restarts.RemoveAll(task => task.IsCompleted);
                    restarts.Add(RestartAsync(change, wait, next.Restarts, stoppingToken));
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The AppHost is stopping.
        }

        await Task.WhenAll(restarts);
    }

    private async Task RestartAsync(ResourceEvent ended, TimeSpan pause, int restart, CancellationToken stoppingToken)
    {
        var log = logs.GetLogger(ended.ResourceId);
        try
        {
            var pauseEnd = Task.Delay(pause, time, stoppingToken);
            var last = await ReadLastLinesAsync(ended.ResourceId, stoppingToken);
            log.ProcessEnded(
                ended.Snapshot.ExitCode?.ToString(CultureInfo.InvariantCulture) ?? "none", pause.TotalSeconds, restart, last);
            await pauseEnd;
            if (!HasEnded(ended.ResourceId))
            {
                // A command has started it meanwhile. A second start command would stop it first.
                return;
            }

            var result = await commands.ExecuteCommandAsync(ended.ResourceId, KnownResourceCommands.StartCommand, stoppingToken);
            if (!result.Success)
            {
                log.ProcessNotRestarted(result.Message ?? "no reason given");
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The AppHost is stopping.
        }
    }

    /// <summary>
    /// The end of what the process wrote. DCP deletes its output with the start of the next one, so the reason of the end would be lost.
    /// </summary>
    private async Task<string> ReadLastLinesAsync(string instance, CancellationToken stoppingToken)
    {
        var last = new Queue<string>();
        using var timeout = new CancellationTokenSource(ReadTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stoppingToken);
        try
        {
            await foreach (var lines in logs.GetAllAsync(instance).WithCancellation(stop.Token))
            {
                foreach (var line in lines)
                {
                    last.Enqueue(line.Content);
                    if (last.Count > LastLines)
                    {
                        last.Dequeue();
                    }
                }
            }
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
        {
            // What was read until now is shown.
        }

        return string.Concat(last.Select(line => $"\n{line}"));
    }

    private bool HasEnded(string instance) =>
        notifications.TryGetCurrentState(instance, out var now)
            && now.Snapshot.State?.Text is { } state
            && KnownResourceStates.TerminalStates.Contains(state);
}

internal sealed class RestartOnExitAnnotation : IResourceAnnotation;

internal static class RestartOnExitExtensions
{
    public static IResourceBuilder<T> WithRestartOnExit<T>(this IResourceBuilder<T> resource)
        where T : IResource
    {
        var services = resource.ApplicationBuilder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, RestartOnExit>());
        return resource.WithAnnotation(new RestartOnExitAnnotation());
    }
}

internal static partial class RestartLog
{
    [LoggerMessage(
        9001, LogLevel.Warning,
        "Process exited by itself (exit code {ExitCode}), restarting in {Seconds} s (restart {Restart}); its last lines:{LastLines}")]
    public static partial void ProcessEnded(this ILogger logger, string exitCode, double seconds, int restart, string lastLines);

    [LoggerMessage(9002, LogLevel.Error, "Process not restarted: {Reason}")]
    public static partial void ProcessNotRestarted(this ILogger logger, string reason);
}
