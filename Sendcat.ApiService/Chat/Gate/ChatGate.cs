using System.Diagnostics;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.StorageQuotas;
using Sendcat.ApiService.Threads;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Timing;

using Claim = Sendcat.Reliability.Redis.Claim;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// The checks of a chat request, in the order in which they run. The origin and the method are checked before this class.
/// Everything that admission grants is held by the ticket of the <see cref="ChatPass"/> and is released with it.
/// </summary>
internal sealed class ChatGate(
    ChatAddressLimiter addressLimiter, LargeMessages large, Principals principals, RequestDatabase database, AdmissionController admission, RateLimiter limiter,
    Bulkheads bulkheads, TurnDirectory directory, TurnSignals signals, ThreadTurns turns, AbandonedTurns abandoned, Quotas quotas, TurnModel models,
    TurnReservation reservation, NewThreads newThreads, IOptionsMonitor<ChatOptions> chat, IOptionsMonitor<OpenRouterOptions> account,
    TimeProvider time)
{
    /// <summary>The <c>Retry-After</c> of a request that is refused because Postgres does not respond.</summary>
    public static readonly TimeSpan StoreRetryAfter = TimeSpan.FromSeconds(1);

    private const int MaxTakeoverAttempts = 3;

    /// <summary>
    /// Abandoned turns that one request may end. More than one, because another request may take the slot that was released.
    /// </summary>
    private const int MaxTurnsEnded = 3;

    /// <summary>
    /// The longest wait for the turn of a concurrent request with the same message: longer than Redis needs to release the leases of a
    /// replica that died while it started the turn.
    /// </summary>
    private static readonly TimeSpan MaxStartWait = TimeSpan.FromSeconds(12);

    private static readonly Backoff StartPauses = new(TimeSpan.FromMilliseconds(15), TimeSpan.FromMilliseconds(500)) { Jitter = 0.2 };

    /// <summary>Wait between two attempts to take over the principal's own detached turn.</summary>
    private static readonly TimeSpan DisconnectDelay = TimeSpan.FromMilliseconds(60);

    /// <summary>The checks that need no store.</summary>
    /// <returns>The request and its principal, or the error to send.</returns>
    public async ValueTask<Outcome<ChatCall>> ReadAsync(HttpContext http)
    {
        if (addressLimiter.Check(http) is { } tooMany)
        {
            return tooMany;
        }

        if (!(await ChatRequestReader.ReadAsync(http, chat.CurrentValue.UiBodyMaxBytes, large, principals)).TryGet(out var request, out var malformed))
        {
            return malformed;
        }

        if (!principals.Read(http, request.SessionId).TryGet(out var principal, out var unknown))
        {
            return unknown;
        }

        return models.Check(principal, request.ModelId) is { } notAllowed ? notAllowed : new ChatCall(request, principal, time.GetTimestamp());
    }

    /// <summary>The checks of <see cref="ReadAsync"/> have passed; these are the others.</summary>
    /// <param name="unreachable">A running turn that could not be joined; null: none.</param>
    /// <returns>
    /// A <see cref="ChatPass"/>, whose ticket the caller must dispose; or a <see cref="ChatRepeat"/>; or the error to send.
    /// </returns>
    public async ValueTask<Outcome<ChatEntry>> PassAsync(HttpContext http, ChatCall call, Guid? unreachable)
    {
        var (waits, startedAt) = (0, time.GetTimestamp());
        while (true)
        {
            var passed = await CheckAsync(http, call.Request, call.Principal, unreachable);
            if (passed.TryGet(out _, out var refusal)
                || refusal.Reason != AdmissionReason.SameMessage
                || time.GetElapsedTime(startedAt) >= MaxStartWait)
            {
                return passed;
            }

            // A concurrent request with the same message starts its turn, and has not registered it yet. If it fails, this one starts it.
            await Task.Delay(StartPauses.After(++waits, Random.Shared.NextDouble()), time, http.RequestAborted);
        }
    }

    private async ValueTask<Outcome<ChatEntry>> CheckAsync(HttpContext http, ChatRequest request, Principal principal, Guid? unreachable)
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
        var streamId = StreamIds.New(time.GetUtcNow(), request.Key);
        var (admissionRequest, slotClaim) = BuildAdmissionRequest(http, principal, streamId, request);
        var suspended = models.Suspended(request.ModelId);
        var admitting = account.CurrentValue.ApiKey.Length == 0 || suspended is not null
            ? null
            : admission.AdmitAsync(admissionRequest, http.RequestAborted).AsTask();
        ThreadHistory? thread = null;
        TurnPlan.Start? start = null;
        IReadOnlyList<RunningTurn> running = [];
        string? model = null;
        var proceeds = false;
        try
        {
            if (!(await ReadThreadAsync(http, name, principal, request)).TryGet(out thread, out var foreign))
            {
                return foreign;
            }

            running = await turns.FindAsync(thread);
            var plan = PlanOf(request, thread, running, unreachable);
            if (plan is TurnPlan.KeyMismatch)
            {
                return ApiError.Conflict($"{ChatRequestReader.IdempotencyKey} belongs to another message");
            }

            if (plan is TurnPlan.Replaced)
            {
                return ApiError.Conflict("The message was edited since") with { Reason = RefusalReason.MessageEdited };
            }

            start = plan as TurnPlan.Start;
            if (start is null)
            {
                return new ChatRepeat(request, thread, plan);
            }

            if (quotas.CheckTurn(principal, thread.MessageCount, thread.OwnerBytes ?? 0, start.NewMessages) is { } full)
            {
                return full;
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

        var replaced = start.EndsRunningTurn ? running : [];
        var decision = await admitting;
        // An answer that was cut is not joined while its turn still holds its leases: the next attempt replaces it.
        var isReplacement = start.ReplacesAnswer && request.Regeneration is null;
        if (IsInFlight(decision) || (IsSameMessage(decision) && !isReplacement))
        {
            // The turn to replace may be that of the same edit, which was made after the thread was read.
            var rereads = thread.Begun is not null || (IsSameMessage(decision) && replaced.Count > 0);
            var (started, other) = await StartedMeanwhileAsync(http, name, principal, request, rereads ? null : thread, unreachable);
            if (started is not null)
            {
                return started;
            }

            if (IsSameMessage(decision) && AnsweredMessage.IsTheLast(request) && (start.Asked is null || (other is not null && other.Asked != start.Asked)))
            {
                // The turn that runs answers an earlier message.
                admissionRequest = admissionRequest with { Message = AnsweredMessage.NameOf(start.Asked, thread.ThreadId, principal) };
                decision = await admission.AdmitAsync(admissionRequest, http.RequestAborted);
            }
        }

        ThreadCharge? charge = null;
        ChatPass? pass = null;
        try
        {
            // Counted before a detached turn is ended in favour of this one, and not for a repetition of a request that begins the thread.
            if (thread.Begun is not null && !IsSameMessage(decision)
                && !(await newThreads.ChargeAsync(principal, http.RequestAborted)).TryGet(out charge, out var tooMany))
            {
                return tooMany;
            }

            if ((await AdmitAsync(http, principal, admissionRequest, slotClaim, model, decision, ToReplace(start, replaced))).TryGet(out var admitted, out var refused))
            {
                return pass = new ChatPass(
                    request, principal, thread, start, replaced, streamId, admitted.Ticket, model, admitted.HeldRoute, charge);
            }

            var known = thread.Begun is null ? thread : null;
            return refused.Reason == AdmissionReason.UserInFlight
                && await StartedMeanwhileAsync(http, name, principal, request, known, unreachable) is { Repeat: { } repeated } ? repeated : refused;
        }
        finally
        {
            if (pass is null)
            {
                await WithdrawAsync(admitting);
                await (charge?.WithdrawAsync() ?? ValueTask.CompletedTask);
            }
        }
    }

    private static bool IsInFlight(AdmissionDecision decision) => decision is AdmissionDecision.Denied { Reason: AdmissionReason.UserInFlight };

    private static bool IsSameMessage(AdmissionDecision decision) => decision is AdmissionDecision.Denied { Reason: AdmissionReason.SameMessage };

    /// <summary>
    /// The newest running turn decides what the request does, unless an older one answers the message of the request, or its request had the same
    /// idempotency key.
    /// </summary>
    /// <param name="running">The running turns of the thread, the newest first.</param>
    private TurnPlan PlanOf(ChatRequest request, ThreadHistory thread, IReadOnlyList<RunningTurn> running, Guid? unreachable)
    {
        TurnPlan Of(RunningTurn? turn) => TurnPlan.Of(request, thread, turn?.StreamId != unreachable ? turn : null, time.GetUtcNow());

        var first = (request.Key is { } key ? running.FirstOrDefault(turn => StreamIds.HasKey(turn.StreamId, key)) : null) ?? running.FirstOrDefault();
        var plan = Of(first);
        return plan is TurnPlan.Join ? plan : running.Where(turn => turn != first).Select(Of).OfType<TurnPlan.Join>().FirstOrDefault() ?? plan;
    }

    /// <returns>The turn whose leases the new one may take over: that of the same message, else the newest.</returns>
    private static RunningTurn? ToReplace(TurnPlan.Start start, IReadOnlyList<RunningTurn> replaced) =>
        replaced.FirstOrDefault(turn => turn.Asked == start.Asked) ?? replaced.FirstOrDefault();

    /// <summary>
    /// A concurrent request with the same message, on any replica, may have started its turn, and begun its thread, after this one has read
    /// the thread.
    /// </summary>
    /// <param name="thread">The thread; null: it is read again.</param>
    /// <returns>The repetition of that request, null if there was none; and the thread's newest running turn.</returns>
    private async ValueTask<(ChatRepeat? Repeat, RunningTurn? Running)> StartedMeanwhileAsync(
        HttpContext http, ThreadName? name, Principal principal, ChatRequest request, ThreadHistory? thread, Guid? unreachable)
    {
        var current = thread ?? await FindThreadAsync(http, name, principal, request, sumUsage: false);
        if (current is null)
        {
            return (null, null);
        }

        var running = turns.Known(current);
        var plan = PlanOf(request, current, running, unreachable);
        if (plan is not TurnPlan.Join)
        {
            running = await turns.WithNewestAsync(current.ThreadId, running);
            plan = PlanOf(request, current, running, unreachable);
        }

        return (plan is TurnPlan.Join ? new ChatRepeat(request, current, plan) : null, running.FirstOrDefault());
    }

    /// <returns>Null if the request names no thread, or one that does not exist.</returns>
    private async ValueTask<ThreadHistory?> FindThreadAsync(HttpContext http, ThreadName? name, Principal principal, ChatRequest request, bool sumUsage) =>
        name is { } known
            ? await ThreadHistory.ReadAsync(database, known, principal, quotas.Of(principal), sumUsage, request.Key, chat.CurrentValue, http.RequestAborted)
            : null;

    /// <summary>
    /// Reads the thread, or checks that the request may begin it, and checks owner and quotas. A foreign and a missing thread get the same response, so that it does not reveal which
    /// threads exist. Only the owner gets the response that a quota is used up.
    /// </summary>
    private async ValueTask<Outcome<ThreadHistory>> ReadThreadAsync(HttpContext http, ThreadName? name, Principal principal, ChatRequest request)
    {
        try
        {
            var thread = await FindThreadAsync(http, name, principal, request, sumUsage: !quotas.IsBelowHalf(principal));
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
            return thread.MessageCount > thread.Messages.Count && TurnPlan.NamedMessages(request) is { Count: > 0 } named && !TurnPlan.HasAny(thread, named)
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
            Principal = principal.Key, Message = AnsweredMessage.NameIn(request, principal), StreamId = StreamIds.Format(streamId), Addresses = addresses, IsGuest = principal.HasGuestLimits,
            RouteSlots = slotClaim.Cap, WebSearch = request.WebSearch, OtherClaims = claims,
        };
        return (admissionRequest, slotClaim);
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
    /// Retries a denied admission: without the slot of the turn whose answer the new one replaces, then after it has released that of the
    /// principal's own detached turn, then with a slot of the secondary route if the primary one is full, then after it has released slots of
    /// abandoned turns of any principal.
    /// </summary>
    /// <param name="slotClaim">The claim of <paramref name="request"/> on a slot of the provider bulkhead.</param>
    /// <param name="decision">The first decision on <paramref name="request"/>.</param>
    /// <param name="replaced">The running turn whose answer the new one replaces; null: none.</param>
    /// <returns>The ticket, and the route of which it holds a slot.</returns>
    private async ValueTask<Outcome<(AdmissionTicket Ticket, string HeldRoute)>> AdmitAsync(
        HttpContext http, Principal principal, AdmissionRequest request, Claim slotClaim, string? model, AdmissionDecision decision, RunningTurn? replaced)
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

/// <summary>A chat request and its principal.</summary>
/// <param name="AcceptedAt">Timestamp, see <see cref="TurnStart.AcceptedAt"/>.</param>
internal sealed record ChatCall(ChatRequest Request, Principal Principal, long AcceptedAt);

/// <summary>The result of the checks of a chat request.</summary>
internal abstract record ChatEntry(ChatRequest Request, ThreadHistory Thread);

/// <summary>Everything that a turn needs to start.</summary>
/// <param name="Replaced">Running turns that have to end, because the new one replaces an answer or edits its message; the newest first.</param>
/// <param name="Ticket">
/// Disposed by <see cref="LiveTurns"/> when the turn has ended, or by <see cref="TurnStarter"/> if the turn does not begin.
/// </param>
/// <param name="Model">The model id; null: the operator's default model.</param>
/// <param name="HeldRoute">The route of which the ticket holds a slot.</param>
/// <param name="Charge">Of a thread that the request begins; <see cref="TurnStarter"/> withdraws it if the turn does not begin.</param>
internal sealed record ChatPass(
    ChatRequest Request, Principal Principal, ThreadHistory Thread, TurnPlan.Start Plan, IReadOnlyList<RunningTurn> Replaced, Guid StreamId, AdmissionTicket Ticket,
    string? Model, string HeldRoute, ThreadCharge? Charge) : ChatEntry(Request, Thread);

/// <summary>The request repeats another one. It needs no slot and counts against no limit but that of its address.</summary>
/// <param name="Plan">A <see cref="TurnPlan.Join"/> or a <see cref="TurnPlan.Replay"/>.</param>
internal sealed record ChatRepeat(ChatRequest Request, ThreadHistory Thread, TurnPlan Plan) : ChatEntry(Request, Thread);
