using Microsoft.Extensions.Logging;

namespace Sendcat.ServiceDefaults.Broker;

/// <summary>Event ids 5100–5199.</summary>
internal static partial class BrokerLog
{
    [LoggerMessage(5100, LogLevel.Warning, "RabbitMQ accepts no messages: {Reason}")]
    public static partial void BrokerBlocked(this ILogger logger, string reason);

    [LoggerMessage(5101, LogLevel.Information, "RabbitMQ accepts messages again")]
    public static partial void BrokerUnblocked(this ILogger logger);
}
