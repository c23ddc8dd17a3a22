using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads;

/// <summary>How much one principal may keep.</summary>
internal readonly record struct Quota(int Messages, int Threads, long Bytes);

/// <summary>
/// Refuses what goes beyond a quota with 409. Each check reads what is committed, that of a turn what was committed up to 10 s ago, so that requests at the same time exceed a quota by what they add themselves and not by more.
/// </summary>
internal sealed class Quotas(NpgsqlDataSource source, IMemoryCache cache, IOptionsMonitor<QuotaOptions> options)
{
    /// <summary>How long a principal that was seen to use less than half of its bytes needs no new sum for a turn. What it can write meanwhile is a few answers.</summary>
    private static readonly TimeSpan AmpleFor = TimeSpan.FromSeconds(10);

    /// <summary>Messages that must still fit behind a user's: its answer.</summary>
    public const int RoomForAnswer = 1;

    private const string ReadUsageOfUser = $"""
        -- read usage
        select count(*)::int, coalesce(sum(owned.bytes), 0)::bigint from {Usage.OfUser}
        """;

    private const string ReadUsageOfGuest = $"""
        -- read usage
        select count(*)::int, coalesce(sum(owned.bytes), 0)::bigint from {Usage.OfGuest}
        """;

    public static ApiError TooManyBytes() => ApiError.QuotaExceeded("Your chats take all the space that you have");

    public static ApiError TooManyMessages() => ApiError.QuotaExceeded("This chat has as many messages as it may have");

    public Quota Of(Principal principal)
    {
        var limits = options.CurrentValue;
        return principal.HasGuestLimits
            ? new(limits.MessagesPerThreadMax, limits.ThreadsPerGuestMax, limits.BytesPerGuestMax)
            : new(limits.MessagesPerThreadMax, limits.ThreadsPerPrincipalMax, limits.BytesPerPrincipalMax);
    }

    /// <summary>Of a turn, before it begins. What its answer takes is known when it has ended, and counts for the next one.</summary>
    /// <param name="messages">Messages of the thread.</param>
    /// <param name="ownedBytes">Bytes of all threads of the principal.</param>
    /// <param name="adds">Messages that the turn adds, tool calls aside.</param>
    public ApiError? RefusesTurn(Principal principal, int messages, long ownedBytes, int adds)
    {
        var quota = Of(principal);
        return adds > 0 && messages + adds > quota.Messages ? TooManyMessages()
            : ownedBytes >= quota.Bytes ? TooManyBytes()
            : null;
    }

    /// <summary>Remembers for 10 s whether a principal uses less than half of its bytes, so that the turn after its message need not add them up again.</summary>
    /// <param name="ownedBytes">Bytes of all threads of the principal.</param>
    public void RememberUsage(Principal principal, long ownedBytes)
    {
        if (ownedBytes < Of(principal).Bytes / 2)
        {
            cache.Set(KeyOf(principal), true, AmpleFor);
        }
        else
        {
            cache.Remove(KeyOf(principal));
        }
    }

    /// <summary>This replica has seen within the last 10 s that the principal uses less than half of its bytes.</summary>
    public bool HasAmpleRoom(Principal principal) => cache.TryGetValue(KeyOf(principal), out _);

    /// <summary>Of a new thread.</summary>
    /// <param name="messages">Messages that it begins with.</param>
    /// <param name="bytes">Bytes of these.</param>
    public async Task<ApiError?> RefusesThreadAsync(Principal principal, long messages, long bytes, CancellationToken cancellationToken)
    {
        var quota = Of(principal);
        if (messages > quota.Messages)
        {
            return TooManyMessages();
        }

        await using var command = source.CreateCommand(principal.UserId is null ? ReadUsageOfGuest : ReadUsageOfUser);
        command.Parameters.AddRange(Usage.Parameters(principal, quota));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return reader.GetInt32(0) >= quota.Threads ? ApiError.QuotaExceeded("You have as many chats as you may have")
            : reader.GetInt64(1) + bytes > quota.Bytes ? TooManyBytes()
            : null;
    }

    private static (Type, string) KeyOf(Principal principal) => (typeof(Quotas), principal.Key);
}
