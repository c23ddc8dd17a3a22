using System.Diagnostics;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.StorageQuotas;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>The thread that a chat request names or begins.</summary>
internal sealed class RequestThreads(RequestDatabase database, Quotas quotas, NewThreads newThreads, IOptionsMonitor<ChatOptions> chat)
{
    /// <summary>The <c>Retry-After</c> of a request that is refused because Postgres does not respond.</summary>
    public static readonly TimeSpan StoreRetryAfter = TimeSpan.FromSeconds(1);

    /// <returns>Null if the request names no thread, or one that does not exist.</returns>
    public async ValueTask<ThreadHistory?> FindAsync(
        HttpContext http, ThreadName? name, Principal principal, ChatRequest request, bool sumUsage) =>
        name is { } known
            ? await ThreadHistory.ReadAsync(
                database, known, principal, quotas.Of(principal), sumUsage, request.Key, chat.CurrentValue, http.RequestAborted)
            : null;

    /// <summary>
    /// Reads the thread, or checks that the request may begin it, and checks owner and quotas. A foreign and a missing thread get the same
    /// response, so that it does not reveal which threads exist. Only the owner gets the response that a quota is used up.
    /// </summary>
    public async ValueTask<Outcome<ThreadHistory>> ReadAsync(HttpContext http, ThreadName? name, Principal principal, ChatRequest request)
    {
        try
        {
            var thread = await FindAsync(http, name, principal, request, sumUsage: !quotas.IsBelowHalf(principal));
            if (thread is null)
            {
                return request.MayBeginThread
                    ? await newThreads.CheckAsync(principal, request, http.RequestAborted)
                    : ApiError.Forbidden();
            }

            TurnSpan.SetIds(Activity.Current, thread.ThreadId);
            if (thread.OwnerBytes is { } ownerBytes)
            {
                quotas.CacheUsage(principal, ownerBytes);
            }

            // Most requests name one of the newest messages or none.
            return thread.MessageCount > thread.Messages.Count
                && TurnPlan.NamedMessages(request) is { Count: > 0 } named
                && !TurnPlan.HasAny(thread, named)
                    ? await thread.ThroughAsync(
                    database, named, named.Select(id => TurnPlan.MessageId(thread.ThreadId, id)), chat.CurrentValue, http.RequestAborted)
                : thread;
        }
        catch (Exception failure) when (PostgresFailure.IsUnavailable(failure))
        {
            database.Outage.Records(failure);
            return ApiError.UpstreamUnavailable(StoreRetryAfter, RefusalReason.StoreUnavailable);
        }
    }
}
