using Npgsql;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.StorageQuotas;

/// <summary>
/// SQL fragments for the usage of a principal: one row <c>owned(bytes, threads)</c> for each of its threads and attachments. Each thread
/// row counts its own messages and bytes. There is no row per principal that all its turns would have to lock, and the counts follow a
/// thread or an attachment when it is deleted or adopted.
/// </summary>
internal static class Usage
{
    /// <summary>The threads of the user $1, at most $2, and its attachments.</summary>
    public const string OfUser = $"""
        (
          SELECT bytes, 1 AS threads FROM (SELECT bytes FROM threads WHERE user_id = $1 LIMIT $2) AS thread
          UNION ALL SELECT {FileBytes}, 0 FROM attachments WHERE user_id = $1
        ) AS owned
        """;

    /// <summary>The threads of the session $1, at most $2, and its attachments.</summary>
    public const string OfGuest = $"""
        (
          SELECT bytes, 1 AS threads FROM (SELECT bytes FROM threads WHERE session_id = $1 AND user_id IS NULL LIMIT $2) AS thread
          UNION ALL SELECT {FileBytes}, 0 FROM attachments WHERE session_id = $1 AND user_id IS NULL
        ) AS owned
        """;

    /// <summary>What a file counts at least: 4 KiB, as it takes on a disk. Many tiny files therefore reach the quota too.</summary>
    public const long LeastFileBytes = 4096;

    private const string FileBytes = "greatest(size, 4096)";

    /// <summary>
    /// $1 and $2. One thread more than the quota is enough for the decision. A principal that adopted many threads therefore does not make
    /// every request read all of them.
    /// </summary>
    public static NpgsqlParameter[] Parameters(Principal principal, Quota quota) =>
        [
            new NpgsqlParameter<string> { TypedValue = principal.UserId ?? principal.SessionId! },
            new NpgsqlParameter<int> { TypedValue = quota.Threads + 1 },
        ];
}
