using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.StorageQuotas;

/// <summary>The quotas of one principal.</summary>
/// <param name="Messages">The most messages of one thread.</param>
/// <param name="Threads">The most threads.</param>
/// <param name="Bytes">The most bytes of all messages and files.</param>
internal readonly record struct Quota(int Messages, int Threads, long Bytes);

/// <summary>
/// Rejects with 409 what exceeds a quota. A check reads committed data; the check of a turn may use data that is up to 10 s old. Concurrent
/// requests can therefore exceed a quota, but only by what they add themselves.
/// </summary>
internal sealed class Quotas(RequestDatabase source, IMemoryCache cache, IOptionsMonitor<QuotaOptions> options)
{
    /// <summary>
    /// The time for which it is cached that a principal uses less than half of its bytes. During this time the checks of its turns do not
    /// sum the bytes; the principal can add only a few answers.
    /// </summary>
    private static readonly TimeSpan CacheDuration = TimeSpan.FromSeconds(10);

    /// <summary>The number of messages that must still fit after a user message: its answer.</summary>
    public const int RoomForAnswer = 1;

    private const string ReadUsageOfUser = $"""
        -- read usage
        SELECT coalesce(sum(owned.threads), 0)::int, coalesce(sum(owned.bytes), 0)::bigint FROM {Usage.OfUser}
        """;

    private const string ReadUsageOfGuest = $"""
        -- read usage
        SELECT coalesce(sum(owned.threads), 0)::int, coalesce(sum(owned.bytes), 0)::bigint FROM {Usage.OfGuest}
        """;

    public static ApiError TooManyBytes() =>
        ApiError.QuotaExceeded("Your chats and files take all the space that you have", RefusalReason.Bytes);

    public static ApiError TooManyMessages() =>
        ApiError.QuotaExceeded("This chat has as many messages as it may have", RefusalReason.Messages);

    public Quota Of(Principal principal)
    {
        var limits = options.CurrentValue;
        return principal.HasGuestLimits
            ? new(limits.MessagesPerThreadMax, limits.ThreadsPerGuestMax, limits.BytesPerGuestMax)
            : new(limits.MessagesPerThreadMax, limits.ThreadsPerPrincipalMax, limits.BytesPerPrincipalMax);
    }

    /// <summary>
    /// Checks a turn before it starts. The size of its answer is known only when the turn ends, so it counts for the next turn.
    /// </summary>
    /// <param name="principal">The owner of the thread.</param>
    /// <param name="messages">The number of messages of the thread.</param>
    /// <param name="ownedBytes">The bytes of all threads and files of the principal.</param>
    /// <param name="adds">The number of messages that the turn adds, without tool calls.</param>
    /// <returns>Null when the turn may start, else the error.</returns>
    public ApiError? CheckTurn(Principal principal, int messages, long ownedBytes, int adds)
    {
        var quota = Of(principal);
        return adds > 0 && messages + adds > quota.Messages ? TooManyMessages()
            : ownedBytes >= quota.Bytes ? TooManyBytes()
            : null;
    }

    /// <summary>
    /// Caches for 10 s whether a principal uses less than half of its bytes, so that the turn after its message does not sum them again.
    /// </summary>
    /// <param name="principal">The principal.</param>
    /// <param name="ownedBytes">The bytes of all threads and files of the principal.</param>
    public void CacheUsage(Principal principal, long ownedBytes)
    {
        if (ownedBytes < Of(principal).Bytes / 2)
        {
            cache.Set(KeyOf(principal), true, CacheDuration);
        }
        else
        {
            cache.Remove(KeyOf(principal));
        }
    }

    /// <summary>True when this replica has cached, within the last 10 s, that the principal uses less than half of its bytes.</summary>
    public bool IsBelowHalf(Principal principal) => cache.TryGetValue(KeyOf(principal), out _);

    /// <summary>Checks a new thread.</summary>
    /// <param name="principal">The owner of the new thread.</param>
    /// <param name="messages">The number of messages that it starts with.</param>
    /// <param name="bytes">The bytes of these messages.</param>
    /// <param name="cancellationToken">Cancels the check.</param>
    /// <returns>Null when the thread may be created, else the error.</returns>
    public async Task<ApiError?> CheckThreadAsync(Principal principal, long messages, long bytes, CancellationToken cancellationToken)
    {
        var quota = Of(principal);
        if (messages > quota.Messages)
        {
            return TooManyMessages();
        }

        await using var connection = await source.OpenForTurnAsync(cancellationToken);
        await using var command = connection.CreateCommand(principal.UserId is null ? ReadUsageOfGuest : ReadUsageOfUser);
        command.Parameters.AddRange(Usage.Parameters(principal, quota));
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        await reader.ReadAsync(CancellationToken.None);
        return reader.GetInt32(0) >= quota.Threads ? ApiError.QuotaExceeded("You have as many chats as you may have", RefusalReason.Threads)
            : reader.GetInt64(1) + bytes > quota.Bytes ? TooManyBytes()
            : null;
    }

    private static (Type, string) KeyOf(Principal principal) => (typeof(Quotas), principal.Key);
}
