using System.Diagnostics;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The checks of a chat request, in their order. Origin and method were checked on the way here; whatever this takes is in the pass and goes back with it.
/// </summary>
internal sealed class ChatGate(
    ChatDoor door, Principals principals, NpgsqlDataSource database, AdmissionController admission, RateLimiter limiter, Bulkheads bulkheads, TurnDirectory directory, TurnSignals signals, TurnModel models, TurnReservation reservation,
    IOptionsMonitor<ChatOptions> chat, IOptionsMonitor<ProviderRouteOptions> routes, TimeProvider time, ILogger<ChatGate> logger)
{
    private const int LooksForALeftTurn = 3;

    private static readonly TimeSpan LeavingTakes = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan StoreRetryAfter = TimeSpan.FromSeconds(1);

    public async ValueTask<Outcome<ChatPass>> PassAsync(HttpContext http)
    {
        if (door.Refuses(http) is { } tooMany)
        {
            return tooMany;
        }

        if (!(await ChatRequestReader.ReadAsync(http)).Got(out var request, out var malformed))
        {
            return malformed;
        }

        if (!principals.Read(http, request.SessionId).Got(out var principal, out var unknown))
        {
            return unknown;
        }

        if (models.Refuses(principal, request.ModelId) is { } notAllowed)
        {
            return notAllowed;
        }

        if (!Guid.TryParseExact(request.ThreadId, "D", out var threadId))
        {
            return ApiError.Forbidden();
        }

        // Two stores, two questions, one waiting time. The thread's answer still comes first: whoever may not see it is told so, and has asked for nothing.
        var streamId = Guid.CreateVersion7(time.GetUtcNow());
        var (question, place) = Question(http, principal, streamId, request);
        var suspended = models.Suspended(request.ModelId);
        var asked = routes.CurrentValue.ApiKey.Length == 0 || suspended is not null ? null : admission.AdmitAsync(question, http.RequestAborted).AsTask();
        ThreadHistory? thread = null;
        string? model = null;
        var goesOn = false;
        try
        {
            if (!(await ReadThreadAsync(threadId, principal, http.RequestAborted)).Got(out thread, out var foreign))
            {
                return foreign;
            }

            model = models.Of(principal, request.ModelId, thread);
            suspended ??= models.Suspended(model);
            goesOn = suspended is null;
        }
        finally
        {
            if (!goesOn)
            {
                await WithdrawAsync(asked);
            }
        }

        if (suspended is not null)
        {
            return suspended;
        }

        if (asked is null)
        {
            return ApiError.Misconfigured("The model provider is not configured");
        }

        if (!(await AdmitAsync(http, principal, question, place, await asked)).Got(out var ticket, out var refused))
        {
            return refused;
        }

        return new ChatPass(request, principal, thread, streamId, ticket, model);
    }

    /// <summary>Foreign, missing and malformed look alike: there is nothing to learn from the answer.</summary>
    public async ValueTask<Outcome<ThreadHistory>> ReadThreadAsync(string threadId, Principal principal, CancellationToken cancellationToken) =>
        Guid.TryParseExact(threadId, "D", out var id) ? await ReadThreadAsync(id, principal, cancellationToken) : ApiError.Forbidden();

    private async ValueTask<Outcome<ThreadHistory>> ReadThreadAsync(Guid threadId, Principal principal, CancellationToken cancellationToken)
    {
        try
        {
            TurnSpan.Name(Activity.Current, threadId);
            var thread = await ThreadHistory.ReadAsync(database, threadId, chat.CurrentValue, cancellationToken);
            return thread is not null && thread.BelongsTo(principal) ? thread : ApiError.Forbidden();
        }
        catch (Exception failure) when (failure is NpgsqlException or TimeoutException)
        {
            logger.HistoryUnreachable(failure.GetType().Name);
            return ApiError.UpstreamUnavailable(StoreRetryAfter);
        }
    }

    /// <summary>Admission, limiter and provider bulkhead: one decision, one round trip.</summary>
    private (AdmissionRequest Question, Claim Place) Question(HttpContext http, Principal principal, Guid streamId, ChatRequest request)
    {
        var place = bulkheads.Claim(ProviderRoute.GuardOf(ProviderRoute.Primary));
        var turns = limiter.Claim(RateLimitBucket.ChatStream, principal.Key);
        var address = ClientAddress.IsLoopback(http) ? null : ClientAddress.KeyOf(http);
        var budgets = reservation.For(principal, address is null ? [] : [address], request.ModelId, request.Ui?.Text?.Length ?? 0);
        Claim[] claims = address is null ? [turns, .. budgets, place] : [limiter.Claim(RateLimitBucket.ChatIp, address), turns, .. budgets, place];
        return (new AdmissionRequest { Principal = principal.Key, StreamId = StreamIds.Format(streamId), WebSearch = request.WebSearch, AlsoClaims = claims }, place);
    }

    private static async ValueTask WithdrawAsync(Task<AdmissionDecision>? asked)
    {
        if (asked is not null)
        {
            await ((Task)asked).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (asked.IsCompletedSuccessfully && await asked is AdmissionDecision.Admitted admitted)
            {
                await admitted.Ticket.WithdrawAsync();
            }
        }
    }

    private async ValueTask<Outcome<AdmissionTicket>> AdmitAsync(HttpContext http, Principal principal, AdmissionRequest request, Claim place, AdmissionDecision decision)
    {
        for (var look = 0; look < LooksForALeftTurn && decision is AdmissionDecision.Denied { Reason: AdmissionReason.UserInFlight }; look++)
        {
            if (look > 0)
            {
                // A page that is loaded again asks before the kernel has told us that its old connection is gone.
                await Task.Delay(LeavingTakes, time, http.RequestAborted);
            }

            if (await directory.TakeDetachedAsync(principal) is { } left)
            {
                // A turn that nobody reads makes room at once.
                await signals.SupersedeAsync(left);
                await admission.ReleaseAsync(principal.Key, StreamIds.Format(left), http.RequestAborted);
                decision = await admission.AdmitAsync(request, http.RequestAborted);
            }
        }

        if (decision is AdmissionDecision.Admitted admitted)
        {
            return admitted.Ticket;
        }

        var denied = (AdmissionDecision.Denied)decision;
        return ReferenceEquals(denied.By, place) || denied.Reason == AdmissionReason.RedisUnavailable
            ? ApiError.UpstreamUnavailable(denied.RetryAfter)
            : ApiError.RateLimited(denied.RetryAfter);
    }
}

/// <summary>Everything a turn may start with. The ticket goes back when the turn has ended, or here if it never began.</summary>
/// <param name="Model">Null: the operator's default.</param>
internal sealed record ChatPass(ChatRequest Request, Principal Principal, ThreadHistory Thread, Guid StreamId, AdmissionTicket Ticket, string? Model);
