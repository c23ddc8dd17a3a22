using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Chat.Gate;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Chat.History;

/// <summary><c>GET /api/chat/{id}/messages</c>: what a page of <c>useChat</c> shows before its first turn.</summary>
internal static class HistoryEndpoint
{
    public static void Map(RouteGroupBuilder chat) =>
        chat.MapGet("/{id}/messages", ListAsync)
            .As(
                "chatMessages", "The messages of a thread for useChat: the last ones, oldest first, an answer of several steps as one", 400,
                401, 403, 429, 503);

    private static async Task<Results<Ok<Page<ChatUiMessage>>, ApiError>> ListAsync(
        HttpContext http, string id, Principals principals, ThreadOwnership threads, UiHistory history, RequestDatabase database,
        string? cursor, string? limit,
        CancellationToken cancellationToken)
    {
        if (!PageLimit.Read(limit, fallback: 100, max: 200).TryGet(out var count, out var refusal))
        {
            return refusal;
        }

        if (!MessageCursor.TryRead(cursor, newestFirst: true, out var before))
        {
            return PageCursor.Invalid;
        }

        // A page requests the messages of its chat before its first message.
        if (!principals.Read(http).TryGet(out var principal, out refusal)
            || !(await threads.CheckAsync(id, principal, mayBeUnused: true, cancellationToken)).TryGet(out var thread, out refusal))
        {
            return refusal;
        }

        if (thread == Guid.Empty)
        {
            return TypedResults.Ok(new Page<ChatUiMessage>([], null));
        }

        try
        {
            return TypedResults.Ok(await history.ReadAsync(thread, before, count, cancellationToken));
        }
        catch (Exception failure) when (PostgresFailure.IsUnavailable(failure))
        {
            database.Outage.Records(failure);
            return ApiError.UpstreamUnavailable(RequestThreads.StoreRetryAfter, RefusalReason.StoreUnavailable);
        }
    }
}
