using RabbitMQ.Client;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Reliability.ToolJobs.Messages;

/// <summary>
/// The names and the declaration of the queues, and the differences between RabbitMQ 3.10.8 and 4.x (docs/tool-jobs.md). The arguments of
/// an existing queue cannot be changed: different arguments require a new version in the name.
/// </summary>
public static class ToolJobTopology
{
    private const string Version = "v1";

    /// <summary>
    /// Redeliveries of one message before the broker drops it. It only protects against a message that crashes its consumer: attempts are
    /// counted in Postgres, and a lost message is published again. It is set explicitly because the default differs: none in 3.x, 20 in
    /// 4.x.
    /// </summary>
    private const int DeliveryLimit = 50;

    /// <summary>
    /// A quorum queue is replicated and on disk in both versions. Message priorities are not used: quorum queues have none in 3.x and a
    /// different kind in 4.x. Each lane has its own queue instead.
    /// </summary>
    private static readonly Dictionary<string, object?> Arguments = new(StringComparer.Ordinal)
    {
        ["x-queue-type"] = "quorum",
        ["x-delivery-limit"] = DeliveryLimit,
    };

    public static string QueueOf(string tool) => $"sendcat.tools.{tool}.{Version}";

    /// <summary>
    /// Declares the lane's queue; an existing queue stays as it is. Messages are routed by the default exchange, so no binding is needed.
    /// </summary>
    /// <returns>The number of messages that no consumer holds.</returns>
    internal static async Task<uint> DeclareAsync(IChannel channel, ToolLane lane, CancellationToken cancellationToken) =>
        (await channel.QueueDeclareAsync(
            QueueOf(lane.Tool), durable: true, exclusive: false, autoDelete: false, Arguments,
            cancellationToken: cancellationToken)).MessageCount;
}
