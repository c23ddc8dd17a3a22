using Npgsql;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// SQL fragments for the usage of a principal: one row for each of its threads. Each thread row counts its own messages and bytes. There is
/// no row per principal that all its turns would have to lock, and the counts of a thread follow it when it is deleted or adopted.
/// </summary>
internal static class Usage
{
    /// <summary>The threads of the user $1 as <c>owned(bytes)</c>, at most $2.</summary>
    public const string OfUser = "(SELECT bytes FROM threads WHERE user_id = $1 LIMIT $2) AS owned";

    /// <summary>The threads of the session $1 as <c>owned(bytes)</c>, at most $2.</summary>
    public const string OfGuest = "(SELECT bytes FROM threads WHERE session_id = $1 AND user_id IS NULL LIMIT $2) AS owned";

    /// <summary>
    /// $1 and $2. One thread more than the quota is enough for the decision. A principal that adopted many threads therefore does not make
    /// every request read all of them.
    /// </summary>
    public static NpgsqlParameter[] Parameters(Principal principal, Quota quota) =>
        [new NpgsqlParameter<string> { TypedValue = principal.UserId ?? principal.SessionId! }, new NpgsqlParameter<int> { TypedValue = quota.Threads + 1 }];
}
