using System.Diagnostics;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.StorageQuotas;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.RateLimiting;

using Claim = Sendcat.Reliability.Redis.Claim;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// The checks of a chat request, in the order in which they run. The origin and the method are checked before this class.
/// Everything that admission grants is held by the ticket of the <see cref="ChatPass"/> and is released with it.
/// </summary>
internal sealed class ChatGate(
    ChatAddressLimiter addressLimiter, Principals principals, RequestDatabase database, AdmissionController admission, RateLimiter limiter,
    Bulkheads bulkheads, TurnDirectory directory, TurnSignals signals, AbandonedTurns abandoned, Quotas quotas, TurnModel models,
    TurnReservation reservation, NewThreads newThreads, IOptionsMonitor<ChatOptions> chat, IOptionsMonitor<ProviderRouteOptions> routes, TimeProvider time, ILogger<ChatGate> logger)
{
    /// <summary>The <c>Retry-After</c> of a request that is refused because Postgres does not respond.</summary>
    public static readonly TimeSpan StoreRetryAfter = TimeSpan.FromSeconds(1);

    private const int MaxTakeoverAttempts = 3;

    /// <summary>Attempts to begin a thread while concurrent requests begin and delete it.</summary>
    private const int MaxBeginAttempts = 3;

    /// <summary>
    /// Abandoned turns that one request may end. More than one, because another request may take the slot that was released.
    /// </summary>
    private const int MaxTurnsEnded = 3;

    /// <summary>Wait between two attempts to take over the principal's own detached turn.</summary>
    private static readonly TimeSpan DisconnectDelay = TimeSpan.FromMilliseconds(60);

    /// <returns>The pass, whose ticket the caller must dispose; or the error to send.</returns>
    public async ValueTask<Outcome<ChatPass>> PassAsync(HttpContext http)
    {
        if (addressLimiter.Check(http) is { } tooMany)
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

        if (models.Check(principal, request.ModelId) is { } notAllowed)
        {
            return notAllowed;
        }

        for (var attempt = 1; ; attempt++)
        {
            var passed = await PassAsync(http, request, principal);
            if (!passed.TryGet(out var pass, out _) || pass.Thread.Begun is not { } begun)
            {
                return passed;
            }

            if (!(await InsertAsync(pass, begun, http.RequestAborted)).TryGet(out var inserted, out var unavailable))
            {
                return unavailable;
            }

            // If not inserted, a concurrent request has begun the thread under the same client id, and the next attempt finds it.
            if (inserted || attempt == MaxBeginAttempts)
            {
                return inserted ? passed : ApiError.Conflict();
            }
        }
    }

    /// <summary>The checks after the identity of the caller is known.</summary>
    private async ValueTask<Outcome<ChatPass>> PassAsync(HttpContext http, ChatRequest request, Principal principal)
    {
        ThreadName? name = null;
        if (request.ThreadId is not null)
        {
            if (!ThreadName.TryParse(request.ThreadId, out var parsed))
            {
                return ApiError.Forbidden();
            }

            name = parsed;
        }

        // Admission (Redis) and the thread (Postgres) are requested at the same time, so that the latencies do not add up. The result of
        // the thread is still evaluated first: a caller that does not own the thread gets 403, and its admission is withdrawn.
        var streamId = Guid.CreateVersion7(time.GetUtcNow());
        var (admissionRequest, slotClaim) = BuildAdmissionRequest(http, principal, streamId, request);
        var suspended = models.Suspended(request.ModelId);
        var admitting = routes.CurrentValue.ApiKey.Length == 0 || suspended is not null
            ? null
            : admission.AdmitAsync(admissionRequest, http.RequestAborted).AsTask();
        ThreadHistory? thread = null;
        string? model = null;
        var proceeds = false;
        try
        {
            if (!(await ReadThreadAsync(http, name, principal, request)).TryGet(out thread, out var foreign))
            {
                return foreign;
            }

            model = models.Of(principal, request.ModelId, thread);
            suspended ??= models.Suspended(model);
            proceeds = suspended is null;
        }
        finally
        {
            if (!proceeds)
            {
                await WithdrawAsync(admitting);
            }
        }

        if (suspended is not null)
        {
            return suspended;
        }

        if (admitting is null)
        {
            return ApiError.Misconfigured("The model provider is not configured");
        }

        if (!(await AdmitAsync(http, principal, admissionRequest, slotClaim, model, await admitting)).TryGet(out var admitted, out var refused))
        {
            return refused;
        }

        return new ChatPass(request, principal, thread, streamId, admitted.Ticket, model, admitted.HeldRoute);
    }

    /// <summary>
    /// Reads the thread, or checks that the request may begin it, and checks owner and quotas. A foreign and a missing thread get the same response, so that it does not reveal which
    /// threads exist. Only the owner gets the response that a quota is used up.
    /// </summary>
    private async ValueTask<Outcome<ThreadHistory>> ReadThreadAsync(HttpContext http, ThreadName? name, Principal principal, ChatRequest request)
    {
        try
        {
            var thread = name is not { } known ? null : await ThreadHistory.ReadAsync(
                database, known, principal, quotas.Of(principal), sumUsage: !quotas.IsBelowHalf(principal), chat.CurrentValue, http.RequestAborted);
            if (thread is null)
            {
                return request.MayBeginThread
                    ? await newThreads.CheckAsync(http, principal, request)
                    : ApiError.Forbidden();
            }

            TurnSpan.SetIds(Activity.Current, thread.ThreadId);
            if (thread.OwnerBytes is { } ownerBytes)
            {
                quotas.CacheUsage(principal, ownerBytes);
            }

            return quotas.CheckTurn(principal, thread.MessageCount, thread.OwnerBytes ?? 0, request.NewMessages) is { } full ? full
                : thread;
        }
        catch (Exception failure) when (PostgresFailure.IsUnavailable(failure))
        {
            logger.HistoryUnreachable(failure.GetType().Name);
            return ApiError.UpstreamUnavailable(StoreRetryAfter, RefusalReason.StoreUnavailable);
        }
    }

    /// <summary>
    /// Puts the claims on admission, rate limiter and provider bulkhead into one request: one decision, one round trip to Redis.
    /// </summary>
    /// <returns>The request, and the claim on a slot of the provider bulkhead that is part of it.</returns>
    private (AdmissionRequest Request, Claim SlotClaim) BuildAdmissionRequest(
        HttpContext http, Principal principal, Guid streamId, ChatRequest request)
    {
        var slotClaim = bulkheads.Claim(ProviderRoute.GuardOf(ProviderRoute.Primary));
        var addresses = ClientAddress.LimitKeysOf(http);
        Claim[] claims =
        [
            .. addresses.Select(address => limiter.Claim(RateLimitBucket.ChatIp, address)),
            limiter.Claim(RateLimitBucket.ChatStream, principal.Key),
            .. reservation.For(principal, addresses, request.ModelId, request.Message?.Text.Length ?? 0),
            slotClaim,
        ];
        var admissionRequest = new AdmissionRequest
        {
            Principal = principal.Key, StreamId = StreamIds.Format(streamId), Addresses = addresses, IsGuest = principal.HasGuestLimits,
            RouteSlots = slotClaim.Cap, WebSearch = request.WebSearch, OtherClaims = claims,
        };
        return (admissionRequest, slotClaim);
    }

    /// <returns>False if the thread exists meanwhile; then, and if Postgres fails, the ticket is withdrawn.</returns>
    private async ValueTask<Outcome<bool>> InsertAsync(ChatPass pass, ChatThread thread, CancellationToken cancellationToken)
    {
        var inserted = false;
        try
        {
            return inserted = await newThreads.TryInsertAsync(thread, cancellationToken);
        }
        catch (Exception failure) when (PostgresFailure.IsUnavailable(failure))
        {
            logger.HistoryUnreachable(failure.GetType().Name);
            return ApiError.UpstreamUnavailable(StoreRetryAfter, RefusalReason.StoreUnavailable);
        }
        finally
        {
            if (!inserted)
            {
                await pass.Ticket.WithdrawAsync();
            }
        }
    }

    private static async ValueTask WithdrawAsync(Task<AdmissionDecision>? admitting)
    {
        if (admitting is not null)
        {
            await ((Task)admitting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (admitting.IsCompletedSuccessfully && await admitting is AdmissionDecision.Admitted admitted)
            {
                await admitted.Ticket.WithdrawAsync();
            }
        }
    }

    /// <summary>
    /// Retries a denied admission: after it has released the slot of the principal's own detached turn, then with a slot of the secondary
    /// route if the primary one is full, then after it has released slots of abandoned turns of any principal.
    /// </summary>
    /// <param name="slotClaim">The claim of <paramref name="request"/> on a slot of the provider bulkhead.</param>
    /// <param name="decision">The first decision on <paramref name="request"/>.</param>
    /// <returns>The ticket, and the route of which it holds a slot.</returns>
    private async ValueTask<Outcome<(AdmissionTicket Ticket, string HeldRoute)>> AdmitAsync(
        HttpContext http, Principal principal, AdmissionRequest request, Claim slotClaim, string? model, AdmissionDecision decision)
    {
        for (var attempt = 0;
            attempt < MaxTakeoverAttempts && decision is AdmissionDecision.Denied { Reason: AdmissionReason.UserInFlight };
            attempt++)
        {
            if (attempt > 0)
            {
                // A page that is reloaded can send its new request before the kernel reports that its old connection is closed.
                await Task.Delay(DisconnectDelay, time, http.RequestAborted);
            }

            if (await directory.TakeDetachedAsync(principal) is { } detached)
            {
                // A turn without a reader is ended at once in favour of the principal's next turn.
                await signals.SupersedeAsync(detached);
                await admission.ReleaseAsync(principal.Key, StreamIds.Format(detached), http.RequestAborted);
                decision = await admission.AdmitAsync(request, http.RequestAborted);
            }
        }

        if (decision is AdmissionDecision.Denied primary && ReferenceEquals(primary.By, slotClaim) && models.SpillsOver(model)
            && await admission.AdmitAsync(OnSecondary(request, slotClaim), http.RequestAborted) is AdmissionDecision.Admitted spilled)
        {
            return (spilled.Ticket, ProviderRoute.Secondary);
        }

        for (var ended = 0;
            ended < MaxTurnsEnded && decision is AdmissionDecision.Denied full
                && await abandoned.EndOneAsync(full, slotClaim, http.RequestAborted);
            ended++)
        {
            decision = await admission.AdmitAsync(request, http.RequestAborted);
        }

        if (decision is AdmissionDecision.Admitted admitted)
        {
            return (admitted.Ticket, ProviderRoute.Primary);
        }

        return ChatRefusal.Of((AdmissionDecision.Denied)decision);
    }

    private AdmissionRequest OnSecondary(AdmissionRequest request, Claim slotClaim)
    {
        var secondary = bulkheads.Claim(ProviderRoute.GuardOf(ProviderRoute.Secondary));
        return request with { OtherClaims = [.. request.OtherClaims.Select(claim => ReferenceEquals(claim, slotClaim) ? secondary : claim)] };
    }
}

/// <summary>The result of the checks of a chat request: everything that a turn needs to start.</summary>
/// <param name="Ticket">
/// Disposed by <see cref="LiveTurns"/> when the turn has ended, or by <see cref="TurnStarter"/> if the turn does not begin.
/// </param>
/// <param name="Model">The model id; null: the operator's default model.</param>
/// <param name="HeldRoute">The route of which the ticket holds a slot.</param>
internal sealed record ChatPass(
    ChatRequest Request, Principal Principal, ThreadHistory Thread, Guid StreamId, AdmissionTicket Ticket, string? Model, string HeldRoute);
