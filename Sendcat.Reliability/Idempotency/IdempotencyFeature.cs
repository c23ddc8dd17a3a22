using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.Reliability.Idempotency;

public static class IdempotencyFeature
{
    /// <summary>Adds <see cref="WebhookInbox"/>. Requires <see cref="ToolJobsFeature.AddToolJobs"/>.</summary>
    public static IServiceCollection AddWebhookInbox(this IServiceCollection services)
    {
        services.TryAddSingleton<InboxMetrics>();
        services.TryAddSingleton(provider => new WebhookInbox(
            provider.GetRequiredService<RequestDatabase>(), provider.GetRequiredService<OutboxPublisher>(),
            provider.GetRequiredService<InboxMetrics>()));
        return services;
    }
}
