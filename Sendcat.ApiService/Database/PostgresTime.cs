namespace Sendcat.ApiService.Database;

internal static class PostgresTime
{
    /// <summary>
    /// The current UTC time, truncated to the microseconds that Postgres stores. A response and a later read therefore show the same time.
    /// </summary>
    public static DateTimeOffset Now(this TimeProvider time)
    {
        var now = time.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
    }
}
