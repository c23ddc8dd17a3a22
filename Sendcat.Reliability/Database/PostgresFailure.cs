using Npgsql;

namespace Sendcat.Reliability.Database;

/// <summary>
/// Recognizes the exceptions that the Postgres client throws while Postgres is unavailable, reports an error or is too slow.
/// </summary>
public static class PostgresFailure
{
    // TimeoutException: of WaitAsync, and of the client when it gets no connection from the pool in time.
    public static bool Is(Exception exception) => exception is NpgsqlException or TimeoutException;

    /// <summary>
    /// The same for a command with a cancellation token: the token may be that of a timeout. A caller to whom the cancellation of its own
    /// token matters checks that token.
    /// </summary>
    public static bool IsOrCancelled(Exception exception) => Is(exception) || exception is OperationCanceledException;

    /// <summary>
    /// Another transaction held what the statement needs: a lock for longer than <c>lock_timeout</c>, a deadlock, or a conflict of
    /// serialization. The same statement may succeed later, and Postgres works.
    /// </summary>
    public static bool IsLockConflict(Exception exception) => exception is PostgresException
    {
        SqlState: PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure,
    };

    /// <summary>An error that a Postgres that works reports: of the statement, of the schema, or of a lock.</summary>
    public static bool IsResponse(Exception exception) =>
        exception is PostgresException && (!IsUnavailable(exception) || IsLockConflict(exception));

    /// <summary>
    /// Postgres is unavailable, overloaded or too slow, so the same statement may succeed later. False for an error of the statement or of
    /// the schema, for instance a missing table, and for a rejected password.
    /// </summary>
    public static bool IsUnavailable(Exception exception) => exception switch
    {
        // SQLSTATE class 57 is operator intervention (a shutdown, a start, a statement over its time), class 53 is insufficient resources.
        PostgresException error => error.IsTransient
            || error.SqlState.StartsWith("57", StringComparison.Ordinal) || error.SqlState.StartsWith("53", StringComparison.Ordinal),
        _ => Is(exception),
    };
}
