using Microsoft.Extensions.DependencyInjection.Extensions;
using Sendcat.Reliability.Idempotency;
using Sendcat.Reliability.Schedule;

namespace Sendcat.ToolWorker.Schedule;

internal static class ScheduleFeature
{
    /// <summary>Adds the <see cref="Scheduler"/>, and the jobs that belong to no other folder of the worker.</summary>
    public static IServiceCollection AddSchedule(this IServiceCollection services)
    {
        services.AddWebhookInbox();
        services.TryAddSingleton<ScheduleStore>();
        services.AddSingleton(provider => new ScheduledJob(
            "cleanup-idempotency-keys", "Deletes expired keys of the webhook inbox.", TimeSpan.FromHours(1), async (_, cancellationToken) =>
            {
                var deleted = await provider.GetRequiredService<WebhookInbox>().CleanUpAsync(cancellationToken);
                return new($"{deleted} deleted", deleted > 0);
            }));
        services.AddSingleton<ExpiredRows>();
        foreach (var job in ExpiredRows.Jobs)
        {
            services.AddSingleton(job);
        }

        services.AddSingleton<Scheduler>();
        services.AddHostedService(provider => provider.GetRequiredService<Scheduler>());
        return services;
    }
}
