namespace Sendcat.ApiService.Chat;

/// <summary>Event ids 3000–3099.</summary>
internal static partial class ChatLog
{
    [LoggerMessage(3001, LogLevel.Debug, "Turn {StreamId} failed: {Code} on route {RouteId}, provider status {Status}")]
    public static partial void TurnFailed(this ILogger logger, Guid streamId, string code, string? routeId, int? status);

    [LoggerMessage(3002, LogLevel.Error, "Turn {StreamId} failed unexpectedly")]
    public static partial void TurnFailedUnexpectedly(this ILogger logger, Guid streamId, Exception unexpected);

    [LoggerMessage(3003, LogLevel.Warning, "Turn {StreamId} ended before it was committed; the journal retries")]
    public static partial void TurnCommitLate(this ILogger logger, Guid streamId);

    [LoggerMessage(3004, LogLevel.Warning, "Journal could not write {Turns} turns ({Failure}), retrying")]
    public static partial void JournalRetries(this ILogger logger, int turns, string failure);

    [LoggerMessage(3005, LogLevel.Error, "Turn {StreamId} rejected by the database, not persisted: {Cause}")]
    public static partial void JournalRejected(this ILogger logger, Guid streamId, string cause);

    [LoggerMessage(3006, LogLevel.Warning, "Turn directory unreachable ({Failure})")]
    public static partial void DirectoryUnreachable(this ILogger logger, string failure);

    [LoggerMessage(3007, LogLevel.Warning, "Mirror of turn {StreamId} failed ({Failure})")]
    public static partial void MirrorFailed(this ILogger logger, Guid streamId, string failure);

    [LoggerMessage(3008, LogLevel.Warning, "Replica heartbeat not written ({Failure})")]
    public static partial void HeartbeatMissed(this ILogger logger, string failure);

    [LoggerMessage(3009, LogLevel.Warning, "Replica {ReplicaId} timed out; {Turns} turns closed")]
    public static partial void ReplicaReaped(this ILogger logger, Guid replicaId, int turns);

    [LoggerMessage(3011, LogLevel.Warning, "Mirror of turn {StreamId} was lost in Redis and is written again")]
    public static partial void MirrorLost(this ILogger logger, Guid streamId);

    [LoggerMessage(3012, LogLevel.Error, "Mirror of turn {StreamId} has a gap before {EntryId}; its readers were notified")]
    public static partial void MirrorGap(this ILogger logger, Guid streamId, string entryId);

    [LoggerMessage(3013, LogLevel.Warning, "Mirror of turn {StreamId} is missing; its readers were notified")]
    public static partial void MirrorMissing(this ILogger logger, Guid streamId);

    [LoggerMessage(
        3014, LogLevel.Warning,
        "{Turns} turns failed within a minute: {Code} on route {RouteId}, provider status {Status}; one of them is {StreamId}")]
    public static partial void TurnsFailed(this ILogger logger, int turns, string code, string? routeId, int? status, string streamId);

    [LoggerMessage(3015, LogLevel.Debug, "Turn {StreamId} ended before its next model call: {Reason}")]
    public static partial void TurnOutOfBudget(this ILogger logger, Guid streamId, string reason);

    [LoggerMessage(3040, LogLevel.Information, "Chat stream closed: its reader accepted no data for {Seconds} s")]
    public static partial void ReaderDisconnected(this ILogger logger, int seconds);
}
