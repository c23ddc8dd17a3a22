namespace Sendcat.ApiService.Database;

internal static class StoreTime
{
    /// <summary>Now in the whole microseconds that Postgres keeps, so that what an answer says is what a later read finds.</summary>
    public static DateTimeOffset Now(this TimeProvider time)
    {
        var now = time.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
    }
}
