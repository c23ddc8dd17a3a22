using Npgsql;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.StorageQuotas;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// Threads that a chat request begins, with the rate limit and the quotas of <c>POST /api/threads</c>. The row is inserted by the first
/// commit of the turn, so that a refused request leaves no empty thread.
/// </summary>
internal sealed class NewThreads(RateLimiter limiter, Quotas quotas, TimeProvider time)
{
    /// <summary>The user's message and the answer.</summary>
    private const int MessagesOfTurn = 2;

    /// <summary>Checks the quotas of the principal and builds a thread that is not stored yet.</summary>
    /// <param name="principal">The owner of the thread.</param>
    /// <param name="request">It must contain the user's message.</param>
    /// <param name="cancellationToken">Cancels the check.</param>
    /// <returns>The thread without messages; 409 beyond a quota.</returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async ValueTask<Outcome<ThreadHistory>> CheckAsync(Principal principal, ChatRequest request, CancellationToken cancellationToken)
    {
        if (await quotas.CheckThreadAsync(principal, MessagesOfTurn, request.Message!.Text.Length, cancellationToken) is { } full)
        {
            return full;
        }

        var thread = ThreadCopies.NewThread(
            principal, time.Now(), request.ModelId, ThreadRules.TitleOf(request.Message.Text), parent: null, sharedFrom: null);
        thread.ClientId = request.ThreadId;
        return new ThreadHistory(thread.Id, thread.UserId, thread.SessionId, thread.ModelId, [])
        {
            Begun = thread, HasTitle = thread.Title is not null,
        };
    }

    /// <summary>Counts a new thread of the principal. Admission counts the address.</summary>
    /// <returns>The count, to withdraw if the thread does not begin; 429 beyond the limit.</returns>
    /// <exception cref="OperationCanceledException">The caller cancelled before Redis responded.</exception>
    public async ValueTask<Outcome<ThreadCharge>> ChargeAsync(Principal principal, CancellationToken cancellationToken)
    {
        var decision = await limiter.CheckAsync(
            RateLimitBucket.ThreadCreate, principal.Key, cancellationToken, "/api/chat", HttpMethods.Post);
        return decision.Allowed
            ? new ThreadCharge(limiter, principal, decision)
            : ApiError.RateLimited(decision.RetryAfter, RequestBudget.ThreadCreate);
    }
}

/// <summary>A new thread that was counted on the rate limit of its principal.</summary>
internal sealed class ThreadCharge(RateLimiter limiter, Principal principal, RateLimitDecision decision)
{
    /// <summary>The thread does not begin, so it must not count.</summary>
    public ValueTask WithdrawAsync() => limiter.WithdrawAsync(RateLimitBucket.ThreadCreate, principal.Key, decision);
}
