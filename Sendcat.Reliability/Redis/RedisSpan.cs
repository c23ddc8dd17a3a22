using System.Diagnostics;
using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>Spans of what is asked of Redis, named by what it is for. Outside of a trace there are none.</summary>
public static class RedisSpan
{
    private static readonly ActivitySource Source = new("Sendcat.Redis");

    /// <param name="name">For instance <c>claim limits</c>.</param>
    /// <param name="command">As Redis calls it.</param>
    public static Activity? Start(string name, string command)
    {
        if (!Source.HasListeners() || Activity.Current is not { Recorded: true })
        {
            return null;
        }

        return Source.StartActivity(name, ActivityKind.Client)?.SetTag("db.system.name", "redis").SetTag("db.operation.name", command);
    }

    /// <summary>For a filter: marks the span and lets the exception pass.</summary>
    internal static bool Failed(this Activity? span, Exception exception)
    {
        span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", exception is RedisServerException ? "redis_error" : exception.GetType().Name);
        return false;
    }
}
