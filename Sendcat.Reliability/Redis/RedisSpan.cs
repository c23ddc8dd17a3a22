using System.Diagnostics;
using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>Spans of Redis commands, named by their purpose. There are none outside a recorded trace.</summary>
public static class RedisSpan
{
    private static readonly ActivitySource Source = new("Sendcat.Redis");

    /// <summary>Starts a span; null when the current trace is not recorded.</summary>
    /// <param name="name">The purpose, for instance <c>claim limits</c>.</param>
    /// <param name="command">The Redis command, for instance <c>PUBLISH</c>.</param>
    public static Activity? Start(string name, string command)
    {
        if (!Source.HasListeners() || Activity.Current is not { Recorded: true })
        {
            return null;
        }

        return Source.StartActivity(name, ActivityKind.Client)
            ?.SetTag("db.system.name", "redis")
            .SetTag("db.operation.name", command);
    }

    /// <summary>For an exception filter: marks the span as failed and returns false, so that the exception propagates.</summary>
    internal static bool Failed(this Activity? span, Exception exception)
    {
        var type = exception is RedisServerException ? "redis_error" : exception.GetType().Name;
        span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", type);
        return false;
    }
}
