namespace Sendcat.Reliability.Events;

/// <summary>Something that an operator wants to see in the timeline of an incident.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Subject">What it happened to: a provider, or a process.</param>
/// <param name="Title">A few words for people.</param>
/// <param name="Key">Equal for the same happening as several processes see it: it is stored once.</param>
public readonly record struct IncidentMark(IncidentKind Kind, string Subject, string Title, string Key)
{
    public string? Detail { get; init; }

    public DateTimeOffset At { get; init; }
}

/// <summary>The kinds of marks. Other entries of a timeline come from the audit and from the alerts.</summary>
public enum IncidentKind
{
    CircuitOpened,

    CircuitClosed,

    ProcessStarted,

    /// <summary>A process ended in order.</summary>
    ProcessStopped,

    /// <summary>The heartbeat of a process timed out.</summary>
    ProcessDied,

    /// <summary>A process started with another version than the one before it.</summary>
    Deployment,

    RedisRestarted,

    /// <summary>Redis came back without its data.</summary>
    RedisDataLost,

    PostgresRestarted,
}

public static class IncidentKinds
{
    /// <summary>The name in the database and in the timeline.</summary>
    public static string Name(this IncidentKind kind) => kind switch
    {
        IncidentKind.CircuitOpened => "circuit_opened",
        IncidentKind.CircuitClosed => "circuit_closed",
        IncidentKind.ProcessStarted => "process_started",
        IncidentKind.ProcessStopped => "process_stopped",
        IncidentKind.ProcessDied => "process_died",
        IncidentKind.Deployment => "deployment",
        IncidentKind.RedisRestarted => "redis_restarted",
        IncidentKind.RedisDataLost => "redis_data_lost",
        IncidentKind.PostgresRestarted => "postgres_restarted",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
