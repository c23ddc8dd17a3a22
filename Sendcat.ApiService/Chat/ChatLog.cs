namespace Sendcat.ApiService.Chat;

/// <summary>Event ids 3000–3099.</summary>
internal static partial class ChatLog
{
    [LoggerMessage(3001, LogLevel.Warning, "Turn {StreamId} failed: {Code} on route {RouteId}, provider status {Status}")]
    public static partial void TurnFailed(this ILogger logger, Guid streamId, string code, string? routeId, int? status);

    [LoggerMessage(3002, LogLevel.Error, "Turn {StreamId} broke")]
    public static partial void TurnBroke(this ILogger logger, Guid streamId, Exception surprise);

    [LoggerMessage(3003, LogLevel.Warning, "Turn {StreamId} ended before its record was committed; the journal keeps it")]
    public static partial void TurnRecordLate(this ILogger logger, Guid streamId);

    [LoggerMessage(3004, LogLevel.Warning, "The journal could not write {Turns} turns ({Failure}); they wait")]
    public static partial void JournalWaits(this ILogger logger, int turns, string failure);

    [LoggerMessage(3005, LogLevel.Error, "The record of turn {StreamId} cannot be written: {Cause}")]
    public static partial void JournalRefused(this ILogger logger, Guid streamId, string cause);

    [LoggerMessage(3006, LogLevel.Warning, "The turn directory was unreachable ({Failure})")]
    public static partial void DirectoryUnreachable(this ILogger logger, string failure);

    [LoggerMessage(3007, LogLevel.Warning, "The mirror of turn {StreamId} broke ({Failure})")]
    public static partial void MirrorBroke(this ILogger logger, Guid streamId, string failure);

    [LoggerMessage(3008, LogLevel.Warning, "Heartbeat missed ({Failure})")]
    public static partial void HeartbeatMissed(this ILogger logger, string failure);

    [LoggerMessage(3009, LogLevel.Warning, "Replica {ReplicaId} was silent for too long; {Turns} turns were closed")]
    public static partial void ReplicaBuried(this ILogger logger, Guid replicaId, int turns);

    [LoggerMessage(3010, LogLevel.Warning, "A chat request found no database ({Failure})")]
    public static partial void HistoryUnreachable(this ILogger logger, string failure);

    [LoggerMessage(3040, LogLevel.Information, "Chat stream closed: its reader took nothing for {Seconds} s")]
    public static partial void ReaderCut(this ILogger logger, int seconds);
}
