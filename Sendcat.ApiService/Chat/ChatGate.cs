using System.Diagnostics;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.RateLimiting;
using Claim = Sendcat.Reliability.Redis.Claim;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The checks of a chat request, in their order. Origin and method were checked on the way here; whatever this takes is in the pass and goes back with it.
/// </summary>
internal sealed class ChatGate(
    ChatAddressLimiter door, Principals principals, NpgsqlDataSource database, AdmissionController admission, RateLimiter limiter, Bulkheads bulkheads, TurnDirectory directory, TurnSignals signals, AbandonedTurns abandoned, Quotas quotas,
    TurnModel models, TurnReservation reservation,
    IOptionsMonitor<ChatOptions> chat, IOptionsMonitor<ProviderRouteOptions> routes, TimeProvider time, ILogger<ChatGate> logger)
{
    public static readonly TimeSpan StoreRetryAfter = TimeSpan.FromSeconds(1);

    private const int MaxTakeoverAttempts = 3;

    /// <summary>What one turn makes free, others may take first.</summary>
    private const int MaxTurnsEnded = 3;

    private static readonly TimeSpan DisconnectDelay = TimeSpan.FromMilliseconds(60);

    public async ValueTask<Outcome<ChatPass>> PassAsync(HttpContext http)
    {
        if (door.Refuses(http) is { } tooMany)
        {
            return tooMany;
        }

        if (!(await ChatRequestReader.ReadAsync(http)).TryGet(out var request, out var malformed))
        {
            return malformed;
        }

        if (!principals.Read(http, request.SessionId).TryGet(out var principal, out var unknown))
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
            if (!(await ReadThreadAsync(threadId, principal, request, http.RequestAborted)).TryGet(out thread, out var foreign))
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

        if (!(await AdmitAsync(http, principal, question, place, await asked)).TryGet(out var ticket, out var refused))
        {
            return refused;
        }

        return new ChatPass(request, principal, thread, streamId, ticket, model);
    }

    /// <summary>Foreign and missing look alike: there is nothing to learn from the answer. A thread that holds as much as it may is its owner's to know.</summary>
    private async ValueTask<Outcome<ThreadHistory>> ReadThreadAsync(Guid threadId, Principal principal, ChatRequest request, CancellationToken cancellationToken)
    {
        try
        {
            TurnSpan.Name(Activity.Current, threadId);
            var thread = await ThreadHistory.ReadAsync(database, threadId, principal, quotas.Of(principal), addUp: !quotas.HasAmpleRoom(principal), chat.CurrentValue, cancellationToken);
            if (thread?.OwnerBytes is { } ownerBytes)
            {
                quotas.RememberUsage(principal, ownerBytes);
            }

            return thread is null || !thread.BelongsTo(principal) ? ApiError.Forbidden()
                : quotas.RefusesTurn(principal, thread.MessageCount, thread.OwnerBytes ?? 0, request.NewMessages) is { } full ? full
                : thread;
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
        var addresses = ClientAddress.LimitsOf(http);
        Claim[] claims =
        [
            .. addresses.Select(address => limiter.Claim(RateLimitBucket.ChatIp, address)),
            limiter.Claim(RateLimitBucket.ChatStream, principal.Key),
            .. reservation.For(principal, addresses, request.ModelId, request.Ui?.Text?.Length ?? 0),
            place,
        ];
        var question = new AdmissionRequest
        {
            Principal = principal.Key, StreamId = StreamIds.Format(streamId), Addresses = addresses, IsGuest = principal.HasGuestLimits, RouteSlots = place.Cap, WebSearch = request.WebSearch, AlsoClaims = claims,
        };
        return (question, place);
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
        for (var look = 0; look < MaxTakeoverAttempts && decision is AdmissionDecision.Denied { Reason: AdmissionReason.UserInFlight }; look++)
        {
            if (look > 0)
            {
                // A page that is loaded again asks before the kernel has told us that its old connection is gone.
                await Task.Delay(DisconnectDelay, time, http.RequestAborted);
            }

            if (await directory.TakeDetachedAsync(principal) is { } left)
            {
                // A turn that nobody reads makes room at once.
                await signals.SupersedeAsync(left);
                await admission.ReleaseAsync(principal.Key, StreamIds.Format(left), http.RequestAborted);
                decision = await admission.AdmitAsync(request, http.RequestAborted);
            }
        }

        for (var ended = 0; ended < MaxTurnsEnded && decision is AdmissionDecision.Denied full && await abandoned.EndOneAsync(full, place, http.RequestAborted); ended++)
        {
            decision = await admission.AdmitAsync(request, http.RequestAborted);
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
