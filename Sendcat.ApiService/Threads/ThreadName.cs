using System.Diagnostics.CodeAnalysis;
using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// How a request names a thread: by the thread's id, or by the id that a client invented for it (stock <c>useChat</c> invents one). A UUID
/// can be either. A client id names a thread of one principal only: the same id of another principal is another thread.
/// </summary>
internal readonly record struct ThreadName
{
    /// <summary>The most characters of a client id.</summary>
    public const int LongestClientId = 64;

    /// <summary>
    /// SQL that finds a thread by its client id. $1: the client id; $2 and $3: see <see cref="Parameters"/>. The threads of the user come
    /// before those of the session.
    /// </summary>
    public const string FindByClientId = """
        coalesce(
          (SELECT id FROM threads WHERE user_id = $2 AND client_id = $1),
          (SELECT id FROM threads WHERE user_id IS NULL AND session_id = $3 AND client_id = $1))
        """;

    private readonly Guid? _id;
    private readonly string _clientId;

    private ThreadName(Guid? id, string clientId) => (_id, _clientId) = (id, clientId);

    /// <summary>
    /// True for a UUID of version 7, which the ids of threads are: it is looked up as an id first. Clients usually invent UUIDs of version
    /// 4.
    /// </summary>
    public bool IsOurs => _id is { Version: 7 };

    /// <returns>False if the text can name no thread.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out ThreadName name)
    {
        name = new(ThreadAccess.IsId(text, out var id) ? id : null, text ?? "");
        return IsClientId(text);
    }

    /// <summary>True for 1 to 64 letters, digits, <c>-</c> and <c>_</c>.</summary>
    public static bool IsClientId(string? text) =>
        text is { Length: >= 1 and <= LongestClientId } && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>The parameters of the principal for <see cref="FindByClientId"/>: its user and its session.</summary>
    public static NpgsqlParameter[] Parameters(Principal principal) =>
    [
        new() { Value = (object?)principal.UserId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
        new() { Value = (object?)principal.SessionId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
    ];

    /// <summary>The one or two ways to look the name up, the likelier one first: by the thread's id or by the client's.</summary>
    public IReadOnlyList<(Guid? Id, string? ClientId)> Lookups() =>
        _id is null ? [(null, _clientId)] : IsOurs ? [(_id, null), (null, _clientId)] : [(null, _clientId), (_id, null)];
}
