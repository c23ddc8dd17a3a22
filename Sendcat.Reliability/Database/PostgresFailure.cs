using Npgsql;

namespace Sendcat.Reliability.Database;

/// <summary>Recognizes the exceptions that the Postgres client throws while Postgres is unavailable, reports an error or is too slow.</summary>
public static class PostgresFailure
{
    // TimeoutException: of WaitAsync, and of the client when it gets no connection from the pool in time.
    public static bool Is(Exception exception) => exception is NpgsqlException or TimeoutException;

    /// <summary>
    /// The same for a command with a cancellation token: the token may be that of a timeout. A caller to whom the cancellation of its own
    /// token matters checks that token.
    /// </summary>
    public static bool IsOrCancelled(Exception exception) => Is(exception) || exception is OperationCanceledException;
}
