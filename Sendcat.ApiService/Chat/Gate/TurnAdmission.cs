using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.RateLimiting;

using Claim = Sendcat.Reliability.Redis.Claim;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>The admission of a turn: what it claims, and what is tried when it is denied.</summary>
internal sealed class TurnAdmission(
    AdmissionController admission, RateLimiter limiter, Bulkheads bulkheads, TurnDirectory directory, TurnSignals signals,
    AbandonedTurns abandoned,
    TurnModel models, RouteDrain drain, TurnReservation reservation, TimeProvider time)
{
    private const int MaxTakeoverAttempts = 3;

    /// <summary>
    /// Abandoned turns that one request may end. More than one, because another request may take the slot that was released.
    /// </summary>
    private const int MaxTurnsEnded = 3;

    /// <summary>Wait between two attempts to take over the principal's own detached turn.</summary>
    private static readonly TimeSpan DisconnectDelay = TimeSpan.FromMilliseconds(60);

    public static bool IsInFlight(AdmissionDecision decision) =>
        decision is AdmissionDecision.Denied { Reason: AdmissionReason.UserInFlight };

    public static bool IsSameMessage(AdmissionDecision decision) =>
        decision is AdmissionDecision.Denied { Reason: AdmissionReason.SameMessage };

    public Task<AdmissionDecision> AdmitAsync(AdmissionRequest request, CancellationToken cancellation) =>
        admission.AdmitAsync(request, cancellation).AsTask();

    /// <summary>
    /// Puts the claims on admission, rate limiter and provider bulkhead into one request: one decision, one round trip to Redis.
    /// </summary>
    /// <returns>
    /// The request, and the claim on a slot of the provider bulkhead that is part of it: that of the secondary route for a turn that leaves
    /// the primary one, because an operator drains it.
    /// </returns>
    public (AdmissionRequest Request, SlotClaim Slot) RequestOf(HttpContext http, Principal principal, Guid streamId, ChatRequest request)
    {
        var route = drain.Avoids(ProviderRoute.Primary, streamId) && CanStartOnSecondary(request.ModelId, streamId)
            ? ProviderRoute.Secondary
            : ProviderRoute.Primary;
        var slotClaim = bulkheads.Claim(ProviderRoute.GuardOf(route));
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
            Principal = principal.Key, Message = AnsweredMessage.NameIn(request, principal), StreamId = StreamIds.Format(streamId),
            Addresses = addresses, IsGuest = principal.HasGuestLimits,
            RouteSlots = slotClaim.Cap, WebSearch = request.WebSearch, OtherClaims = claims,
        };
        return (admissionRequest, new(route, slotClaim, streamId));
    }

    public static async ValueTask WithdrawAsync(Task<AdmissionDecision>? admitting)
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
    /// Retries a denied admission: without the slot of the turn whose answer the new one replaces, then after it has released that of the
    /// principal's own detached turn, then with a slot of the other route if the first one is full, then after it has released slots of
    /// abandoned turns of any principal.
    /// </summary>
    /// <param name="slot">The claim of <paramref name="request"/> on a slot of the provider bulkhead.</param>
    /// <param name="decision">The first decision on <paramref name="request"/>.</param>
    /// <param name="replaced">The running turn whose answer the new one replaces; null: none.</param>
    /// <returns>The ticket, and the route of which it holds a slot.</returns>
    public async ValueTask<Outcome<(AdmissionTicket Ticket, string HeldRoute)>> RetryAsync(
        HttpContext http, Principal principal, AdmissionRequest request, SlotClaim slot, string? model, AdmissionDecision decision,
            RunningTurn? replaced)
    {
        if ((IsInFlight(decision) || IsSameMessage(decision)) && replaced is not null)
        {
            // TurnStarter ends it: a request that is refused here or there leaves the running answer as it is.
            request = request with { Replaces = StreamIds.Format(replaced.StreamId) };
            decision = await admission.AdmitAsync(request, http.RequestAborted);
        }

        for (var attempt = 0;
            attempt < MaxTakeoverAttempts && IsInFlight(decision);
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

        var other = slot.Route == ProviderRoute.Primary ? ProviderRoute.Secondary : ProviderRoute.Primary;
        if (decision is AdmissionDecision.Denied first && ReferenceEquals(first.By, slot.Claim)
            && (other == ProviderRoute.Primary || CanStartOnSecondary(model, slot.StreamId))
            && await admission.AdmitAsync(On(other, request, slot.Claim), http.RequestAborted) is AdmissionDecision.Admitted spilled)
        {
            return (spilled.Ticket, other);
        }

        for (var ended = 0;
            ended < MaxTurnsEnded && decision is AdmissionDecision.Denied full
                && await abandoned.EndOneAsync(full, slot.Claim, http.RequestAborted);
            ended++)
        {
            decision = await admission.AdmitAsync(request, http.RequestAborted);
        }

        if (decision is AdmissionDecision.Admitted admitted)
        {
            return (admitted.Ticket, slot.Route);
        }

        return ChatRefusal.Of((AdmissionDecision.Denied)decision);
    }

    private bool CanStartOnSecondary(string? model, Guid streamId) =>
        !drain.Avoids(ProviderRoute.Secondary, streamId) && models.SpillsOver(model);

    private AdmissionRequest On(string route, AdmissionRequest request, Claim slotClaim)
    {
        var other = bulkheads.Claim(ProviderRoute.GuardOf(route));
        return request with { OtherClaims = [.. request.OtherClaims.Select(claim => ReferenceEquals(claim, slotClaim) ? other : claim)] };
    }
}

/// <summary>The claim of a turn on a slot of the bulkhead of the route on which it starts.</summary>
internal sealed record SlotClaim(string Route, Claim Claim, Guid StreamId);
