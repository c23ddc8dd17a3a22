using RabbitMQ.Client;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>
/// The one file that knows how queues are named and made, and what differs between RabbitMQ 3.10.8 and 4.x (docs/tool-jobs.md). A queue's arguments cannot be changed:
/// other arguments want another version in its name.
/// </summary>
public static class ToolJobTopology
{
    private const string Version = "v1";

    /// <summary>
    /// Redeliveries of one message before the broker drops it: only a fuse against a message that breaks its consumer, since attempts are counted in the record and a lost message
    /// is published again. Said explicitly because the default differs: none in 3.x, 20 in 4.x.
    /// </summary>
    private const int DeliveryLimit = 50;

    /// <summary>Replicated and on disk, in both. Priorities are left out: quorum queues have none in 3.x and another kind in 4.x; urgency is a matter of lanes.</summary>
    private static readonly Dictionary<string, object?> Arguments = new(StringComparer.Ordinal)
    {
        ["x-queue-type"] = "quorum",
        ["x-delivery-limit"] = DeliveryLimit,
    };

    public static string QueueOf(string tool) => $"sendcat.tools.{tool}.{Version}";

    /// <summary>Makes the lane's queue if it is missing. It is reached over the default exchange, so there is nothing to bind.</summary>
    /// <returns>Messages that no consumer holds.</returns>
    internal static async Task<uint> DeclareAsync(IChannel channel, ToolLane lane, CancellationToken cancellationToken) =>
        (await channel.QueueDeclareAsync(QueueOf(lane.Tool), durable: true, exclusive: false, autoDelete: false, Arguments, cancellationToken: cancellationToken)).MessageCount;
}
