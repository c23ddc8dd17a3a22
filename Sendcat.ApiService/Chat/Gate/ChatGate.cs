using Microsoft.Extensions.Options;
using Sendcat.ApiService.Callers;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.StorageQuotas;
using Sendcat.ApiService.Threads;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Snapshot;
using Sendcat.Reliability.Timing;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// The checks of a chat request, in the order in which they run. The origin and the method are checked before this class.
/// Everything that admission grants is held by the ticket of the <see cref="ChatPass"/> and is released with it.
/// </summary>
internal sealed class ChatGate(
    ChatAddressLimiter addressLimiter, LargeMessages large, Principals principals, CallerBlocks blocks, TurnAdmission admission,
    RequestThreads threads, ThreadTurns turns, Quotas quotas, TurnModel models, NewThreads newThreads, IOptionsMonitor<ChatOptions> chat,
    IOptionsMonitor<OpenRouterOptions> account, Drain drain, TimeProvider time)
{
    /// <summary>
    /// The longest wait for the turn of a concurrent request with the same message: longer than Redis needs to release the leases of a
    /// replica that died while it started the turn.
    /// </summary>
    private static readonly TimeSpan MaxStartWait = TimeSpan.FromSeconds(12);

    private static readonly TimeSpan DrainRetryAfter = TimeSpan.FromSeconds(1);

    private static readonly Backoff StartPauses = new(TimeSpan.FromMilliseconds(15), TimeSpan.FromMilliseconds(500)) { Jitter = 0.2 };

    /// <summary>The checks that need no store.</summary>
    /// <returns>The request and its principal, or the error to send.</returns>
    public async ValueTask<Outcome<ChatCall>> ReadAsync(HttpContext http)
    {
        if (addressLimiter.Check(http) is { } tooMany)
        {
            return tooMany;
        }

        if (!(await ChatRequestReader.ReadAsync(http, chat.CurrentValue.UiBodyMaxBytes, large, principals))
            .TryGet(out var request, out var malformed))
        {
            return malformed;
        }

        if (!principals.Read(http, request.SessionId).TryGet(out var principal, out var unknown))
        {
            return unknown;
        }

        if (blocks.Refusal(http, principal.Key) is { } blocked)
        {
            return blocked;
        }

        return models.Check(principal, request.ModelId) is { } notAllowed
            ? notAllowed
            : new ChatCall(request, principal, time.GetTimestamp());
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
        var (admissionRequest, slotClaim) = admission.RequestOf(http, principal, streamId, request);
        var unavailable = models.UnavailableYet(request.ModelId);
        var admitting = account.CurrentValue.ApiKey.Length == 0 || unavailable is not null
            ? null
            : admission.AdmitAsync(admissionRequest, http.RequestAborted);
        ThreadHistory? thread = null;
        TurnPlan.Start? start = null;
        IReadOnlyList<RunningTurn> running = [];
        string? model = null;
        var proceeds = false;
        try
        {
            if (!(await threads.ReadAsync(http, name, principal, request)).TryGet(out thread, out var foreign))
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

            if (plan is TurnPlan.AnswerReplaced)
            {
                return ApiError.Conflict("The answer was replaced since") with { Reason = RefusalReason.AnswerReplaced };
            }

            start = plan as TurnPlan.Start;
            if (start is null)
            {
                return new ChatRepeat(request, thread, plan);
            }

            if (drain.IsOn)
            {
                // Requests that repeat one of this replica, or resume a turn, are still served.
                return ApiError.UpstreamUnavailable(DrainRetryAfter, RefusalReason.ReplicaDrained);
            }

            if (quotas.CheckTurn(principal, thread.MessageCount, thread.OwnerBytes ?? 0, start.NewMessages) is { } full)
            {
                return full;
            }

            model = models.Of(principal, request.ModelId, thread);
            unavailable ??= models.Unavailable(model);
            proceeds = unavailable is null;
        }
        finally
        {
            if (!proceeds)
            {
                await TurnAdmission.WithdrawAsync(admitting);
            }
        }

        if (unavailable is not null)
        {
            return unavailable;
        }

        if (admitting is null)
        {
            return ApiError.Misconfigured("The model provider is not configured");
        }

        var replaced = start.EndsRunningTurn ? running : [];
        var decision = await admitting;
        // An answer that was cut is not joined while its turn still holds its leases: the next attempt replaces it.
        var isReplacement = start.ReplacesAnswer && request.Regeneration is null;
        if (TurnAdmission.IsInFlight(decision) || (TurnAdmission.IsSameMessage(decision) && !isReplacement))
        {
            // The turn to replace may be that of the same edit, which was made after the thread was read.
            var rereads = thread.Begun is not null || (TurnAdmission.IsSameMessage(decision) && replaced.Count > 0);
            var (started, other) = await StartedMeanwhileAsync(http, name, principal, request, rereads ? null : thread, unreachable);
            if (started is not null)
            {
                return started;
            }

            if (TurnAdmission.IsSameMessage(decision) && AnsweredMessage.IsTheLast(request)
                && (start.Asked is null || (other is not null && other.Asked != start.Asked)))
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
            if (thread.Begun is not null && !TurnAdmission.IsSameMessage(decision)
                && !(await newThreads.ChargeAsync(principal, http.RequestAborted)).TryGet(out charge, out var tooMany))
            {
                return tooMany;
            }

            if ((await admission.RetryAsync(http, principal, admissionRequest, slotClaim, model, decision, ToReplace(start, replaced)))
                .TryGet(out var admitted, out var refused))
            {
                return pass = new ChatPass(
                    request, principal, thread, start, replaced, streamId, admitted.Ticket, model, admitted.HeldRoute, charge)
                {
                    Address = ClientAddress.KeyOf(http),
                };
            }

            var known = thread.Begun is null ? thread : null;
            return refused.Reason == AdmissionReason.UserInFlight
                && await StartedMeanwhileAsync(http, name, principal, request, known, unreachable) is { Repeat: { } repeated }
                    ? repeated
                    : refused;
        }
        finally
        {
            if (pass is null)
            {
                await TurnAdmission.WithdrawAsync(admitting);
                await (charge?.WithdrawAsync() ?? ValueTask.CompletedTask);
            }
        }
    }

    /// <summary>
    /// The newest running turn decides what the request does, unless an older one answers the message of the request, or its request had
    /// the same idempotency key.
    /// </summary>
    /// <param name="running">The running turns of the thread, the newest first.</param>
    private TurnPlan PlanOf(ChatRequest request, ThreadHistory thread, IReadOnlyList<RunningTurn> running, Guid? unreachable)
    {
        TurnPlan Of(RunningTurn? turn) => TurnPlan.Of(request, thread, turn?.StreamId != unreachable ? turn : null, time.GetUtcNow());

        var first = (request.Key is { } key ? running.FirstOrDefault(turn => StreamIds.HasKey(turn.StreamId, key)) : null)
            ?? running.FirstOrDefault();
        var plan = Of(first);
        return plan is TurnPlan.Join
            ? plan
            : running.Where(turn => turn != first).Select(Of).OfType<TurnPlan.Join>().FirstOrDefault() ?? plan;
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
        var current = thread ?? await threads.FindAsync(http, name, principal, request, sumUsage: false);
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
}
