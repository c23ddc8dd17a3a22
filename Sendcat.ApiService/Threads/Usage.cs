using Npgsql;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// What a principal keeps, as a part of statements: one row for each of its threads, which counts its own messages and bytes. There is no row of the principal that all its turns would have to lock, and threads
/// that are deleted or claimed take what they count with them.
/// </summary>
internal static class Usage
{
    /// <summary>Threads of the user $1 as <c>owned(bytes)</c>, at most $2 of them.</summary>
    public const string OfUser = "(select bytes from threads where user_id = $1 limit $2) as owned";

    /// <summary>Threads of the session $1, likewise.</summary>
    public const string OfGuest = "(select bytes from threads where session_id = $1 and user_id is null limit $2) as owned";

    /// <summary>$1 and $2. One thread more than allowed is enough to know: whoever claimed many does not make every request read them all.</summary>
    public static NpgsqlParameter[] Parameters(Principal principal, Quota quota) =>
        [new NpgsqlParameter<string> { TypedValue = principal.UserId ?? principal.SessionId! }, new NpgsqlParameter<int> { TypedValue = quota.Threads + 1 }];
}
