namespace Aspire.Hosting.Eventing
{
    public interface IDistributedApplicationEvent;

    public interface IDistributedApplicationEventing
    {
        DistributedApplicationEventSubscription Subscribe<T>(Func<T, CancellationToken, Task> callback)
            where T : IDistributedApplicationEvent;
    }

    public class DistributedApplicationEventSubscription(Func<IDistributedApplicationEvent, CancellationToken, Task> callback)
    {
        public Func<IDistributedApplicationEvent, CancellationToken, Task> Callback { get; } = callback;
    }

    /// <summary>The one event that this runner raises is <see cref="ApplicationModel.BeforeStartEvent"/>.</summary>
    internal sealed class LocalEventing : IDistributedApplicationEventing
    {
        private readonly List<DistributedApplicationEventSubscription> _subscriptions = [];

        public DistributedApplicationEventSubscription Subscribe<T>(Func<T, CancellationToken, Task> callback)
            where T : IDistributedApplicationEvent
        {
            var subscription = new DistributedApplicationEventSubscription((raised, token) => raised is T mine ? callback(mine, token) : Task.CompletedTask);
            _subscriptions.Add(subscription);
            return subscription;
        }

        public async Task RaiseAsync(IDistributedApplicationEvent raised, CancellationToken cancellationToken)
        {
            foreach (var subscription in _subscriptions)
            {
                await subscription.Callback(raised, cancellationToken);
            }
        }
    }
}

namespace Aspire.Hosting.ApplicationModel
{
    /// <summary>Raised once, before the first process starts.</summary>
    public class BeforeStartEvent(IServiceProvider services, DistributedApplicationModel model) : Eventing.IDistributedApplicationEvent
    {
        public IServiceProvider Services { get; } = services;

        public DistributedApplicationModel Model { get; } = model;
    }
}
