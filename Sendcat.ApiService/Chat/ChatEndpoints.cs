using System.Diagnostics;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Gate;
using Sendcat.ApiService.Chat.History;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The endpoints of turns: start, abort and resume a turn and read the gateway's health below <c>/api/chat</c>, and abort all turns of
/// a thread with <c>/api/threads/{id}/abort</c>.
/// </summary>
internal sealed class ChatEndpoints(
    ChatGate gate, ThreadGate threads, TurnStarter starter, AnswerReplay replays, TurnAborts aborts, LiveTurns turns,
    StartingTurns startings, TurnDirectory directory, RunningTurns running,
    RemoteTurn remote, KeepAliveTicker keepAlive, IOptionsMonitor<ChatGatewayOptions> gateway, AdmissionController admission,
    TimeProvider time)
{
    /// <summary>Response header of every started turn: the id of its thread, which a request without one cannot know.</summary>
    private const string ThreadIdHeader = "x-sendcat-thread-id";

    private const int MaxStartAttempts = 3;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var chat = routes.MapGroup("/api/chat").WithTags("Chat");
        chat.MapPost("", static (HttpContext http, ChatEndpoints endpoints) => endpoints.StartAsync(http))
            .As(
                "startChat",
                "Start a turn, and stream its answer as server-sent events; "
                + "a repetition (same message id, or Idempotency-Key) joins it or gets its answer again",
                400, 401, 403, 409, 413, 415, 429, 500, 503)
            .Takes<ChatBody>().Produces(200, contentType: ResponseHeaders.EventStream).Measures(MeasuredEndpoint.Chat);
        chat.MapPost("/abort", static (HttpContext http, ChatEndpoints endpoints) => endpoints.AbortAsync(http))
            .As("abortChat", "Stop a running turn, from any replica", 400, 401, 403, 413, 415, 429, 503)
            .Takes<AbortBody>().Produces(204);
        chat.MapGet("/{id}/stream", static (string id, HttpContext http, ChatEndpoints endpoints) => endpoints.ResumeAsync(id, http))
            .As("resumeChat", "Come back to a thread's running turn: replayed from its first event, then live", 400, 401, 403, 429, 503)
            .Produces(200, contentType: ResponseHeaders.EventStream).Produces(204);
        HistoryEndpoint.Map(chat);
        routes.MapPost(
            "/api/threads/{id}/abort", static (string id, HttpContext http, ChatEndpoints endpoints) => endpoints.AbortAllAsync(id, http))
            .WithTags("Threads")
            .As("threads.abort", "Stop all turns of the thread, started or not, on all replicas", 401, 403, 429, 503)
            .Produces(204);
        chat.MapGet("/health", static (HttpContext http, ChatHealth health) => health.AnswerAsync(http))
            .As("chatHealth", "Whether turns can be started; for operators also with which limits", 403, 503)
            .Produces<ChatHealthReport>();
        chat.MapMethods("/health", [HttpMethods.Head], static (HttpContext http, ChatHealth health) => health.AnswerAsync(http))
            .ExcludeFromDescription();
    }

    private async Task<IResult> StartAsync(HttpContext http)
    {
        SetGatewayHeaders(http);
        return await StartOrRepeatAsync(http) switch
        {
            ApiError refusal => Refused(refusal),
            var stream => stream,
        };
    }

    private async Task<IResult> StartOrRepeatAsync(HttpContext http)
    {
        var receivedAt = time.GetUtcNow();
        if (!(await gate.ReadAsync(http)).TryGet(out var call, out var refusal))
        {
            return refusal;
        }

        // From here on an abort of the thread ends the turn.
        using var starting = startings.Enter(call.Principal, call.Request.ThreadId, receivedAt);
        Guid? unreachable = null;
        for (var attempt = 0; attempt < MaxStartAttempts; attempt++)
        {
            if (!(await gate.PassAsync(http, call, unreachable)).TryGet(out var entry, out refusal))
            {
                return refusal;
            }

            http.Response.Headers[ThreadIdHeader] = entry.Thread.ThreadId.ToString();
            starting.IsIn(entry.Thread.ThreadId);
            if (entry is ChatPass pass)
            {
                var started = await StartAsync(http, pass, starting, call.AcceptedAt);
                if (started is ApiError && pass.Thread.Begun is not null)
                {
                    // No thread has begun.
                    http.Response.Headers.Remove(ThreadIdHeader);
                }

                if (started is ApiError { Reason: AdmissionReason.SameMessage } && attempt < MaxStartAttempts - 1)
                {
                    // Another replica has started the turn of this message, while Redis does not respond. The next attempt finds it
                    // or its answer.
                    continue;
                }

                return started;
            }

            var repeat = (ChatRepeat)entry;
            if (await RepeatAsync(http, repeat) is { } stream)
            {
                return stream;
            }

            if (repeat.Plan is TurnPlan.Replay && attempt == MaxStartAttempts - 1)
            {
                return ApiError.Conflict("This message has no answer, and later messages follow it. Send it with a new id") with
                {
                    Reason = RefusalReason.NoAnswer,
                };
            }

            // The turn has ended meanwhile, or its replica does not respond. The next attempt finds its answer, or starts a new turn if the
            // replica is dead.
            if (repeat.Plan is TurnPlan.Join { Turn: { Replica: not null } unfollowed })
            {
                if (await running.IsAliveAsync(unfollowed.StreamId, http.RequestAborted))
                {
                    return ApiError.UpstreamUnavailable(RequestThreads.StoreRetryAfter, RefusalReason.RedisUnavailable);
                }

                unreachable = unfollowed.StreamId;
            }
        }

        return ApiError.Conflict();
    }

    private async Task<IResult> StartAsync(HttpContext http, ChatPass pass, StartingTurn starting, long acceptedAt)
    {
        var usesUiDialect = UsesUiDialect(http, pass.Request.IsUi);
        if (!(await starter.StartAsync(pass, starting, acceptedAt, usesUiDialect, http.RequestAborted))
            .TryGet(out var turn, out var failed))
        {
            return failed;
        }

        TurnSpan.SetIds(Activity.Current, turn.Start.ThreadId, turn.Start.WireStreamId, turn.Record.MessageId);
        return new ChatEventStream(turn.Feed, () => turn.InitialReader, Dialect(usesUiDialect), gateway.CurrentValue.Mode, keepAlive);
    }

    /// <returns>The stream of the turn or of its answer; null if neither can be found any more.</returns>
    private async Task<IResult?> RepeatAsync(HttpContext http, ChatRepeat repeat)
    {
        var thread = repeat.Thread.ThreadId;
        switch (repeat.Plan)
        {
            case TurnPlan.Join join:
                var local = turns.ByStream(join.Turn.StreamId);
                if (local is null && !(await admission.CheckAsync(http.RequestAborted)).RedisResponds)
                {
                    // The mirror of a turn on another replica is in Redis, which would be awaited for seconds.
                    return null;
                }

                var location = new TurnLocation(join.Turn.StreamId, join.Turn.Replica ?? Guid.Empty, repeat.Request.IsUi, join.Turn.Asked);
                return await FollowAsync(http, thread, local, join.Turn.Replica is null ? null : location, repeat.Request.IsUi);
            case TurnPlan.Replay replay:
                return await replays.ReadAsync(thread, replay.Asked, http.RequestAborted) is { } feed
                    ? Stream(http, feed, NoRegistration.Instance, repeat.Request.IsUi)
                    : null;
            default:
                throw new InvalidOperationException($"{repeat.Plan.GetType().Name} repeats nothing.");
        }
    }

    private async Task<IResult> AbortAsync(HttpContext http)
    {
        SetGatewayHeaders(http);
        if (!(await threads.PassAbortAsync(http)).TryGet(out var pass, out var refusal))
        {
            return refusal;
        }

        return await aborts.AbortAsync(pass.Thread, pass.Body.MessageId!, pass.Body.StreamId, http.RequestAborted) ?? Results.NoContent();
    }

    private async Task<IResult> AbortAllAsync(string id, HttpContext http)
    {
        // Before the checks, which may wait for Postgres: the client may send its next message meanwhile.
        var at = time.GetUtcNow();
        SetGatewayHeaders(http);
        if (!(await threads.PassAbortAllAsync(http, id)).TryGet(out var pass, out var refusal))
        {
            return refusal;
        }

        await (pass.Thread == Guid.Empty
            ? aborts.AbortNamedAsync(StartingTurns.NameOf(pass.Principal, id), at, http.RequestAborted)
            : aborts.AbortAllAsync(pass.Thread, at, http.RequestAborted));
        return Results.NoContent();
    }

    private async Task<IResult> ResumeAsync(string id, HttpContext http)
    {
        SetGatewayHeaders(http);
        // A page that resumes its chat before its first message requests a thread that does not exist yet.
        if (!(await threads.PassAsync(http, id, mayBeUnused: true)).TryGet(out var thread, out var refusal))
        {
            return refusal;
        }

        if (thread == Guid.Empty)
        {
            return Results.NoContent();
        }

        var local = turns.OfThread(thread).FirstOrDefault();
        if (local is null or { IsSuperseded: true })
        {
            // The turn that superseded the local one may run on another replica.
            var (responded, location) = await directory.LookUpAsync(thread);
            if (await FollowAsync(http, thread, local: null, location, usesUiDialect: null) is { } stream)
            {
                return stream;
            }

            // Without Redis a turn on another replica cannot be followed; 204 would say that none runs.
            if (!responded && await running.NewestAsync(thread, http.RequestAborted) is { } newest && newest != local?.Start.StreamId)
            {
                return Refused(ApiError.UpstreamUnavailable(RequestThreads.StoreRetryAfter, RefusalReason.RedisUnavailable));
            }
        }

        return await FollowAsync(http, thread, local, location: null, usesUiDialect: null) ?? Results.NoContent();
    }

    /// <param name="local">The turn, if it runs in this process.</param>
    /// <param name="location">Where the turn runs otherwise; null: nowhere.</param>
    /// <param name="usesUiDialect">Null: the dialect of the request that started the turn.</param>
    /// <returns>The stream of the turn, or the refusal of a further reader; null if the turn cannot be found.</returns>
    private async Task<IResult?> FollowAsync(HttpContext http, Guid thread, LiveTurn? local, TurnLocation? location, bool? usesUiDialect)
    {
        if (local is not null)
        {
            TurnSpan.SetIds(Activity.Current, thread, local.Start.WireStreamId);
            return local.TryJoin() is { } registration
                ? Stream(http, local.Feed, registration, usesUiDialect ?? local.UsesUiDialect)
                : LiveTurn.TooManyReaders();
        }

        return location is not null && !directory.IsLocal(location)
            && await remote.FollowAsync(location, http.RequestAborted) is { } followed
            ? followed.TryGet(out var reader, out var full)
                ? Stream(http, reader.Feed, reader, usesUiDialect ?? location.UsesUiDialect)
                : full
            : null;
    }

    private static ApiError Refused(ApiError refusal)
    {
        ChatMetrics.Refused(refusal.Code);
        return refusal;
    }

    private ChatEventStream Stream(HttpContext http, TurnFeed feed, IDisposable registration, bool usesUiDialect) =>
        new(feed, () => registration, Dialect(UsesUiDialect(http, usesUiDialect)), gateway.CurrentValue.Mode, keepAlive);

    /// <param name="otherwise">The result when the query does not name a dialect.</param>
    private static bool UsesUiDialect(HttpContext http, bool otherwise) => RequestedDialect.UsesUi(http) ?? otherwise;

    private static EventDialect Dialect(bool usesUiDialect) => usesUiDialect ? new UiDialect() : new SendcatDialect();

    private void SetGatewayHeaders(HttpContext http)
    {
        http.Response.Headers["X-Sendcat-Chat-Gateway"] = gateway.CurrentValue.Mode;
        // Mode Off is reported as shadow: neither of them refuses a request.
        http.Response.Headers["X-Sendcat-Admission-Mode"] = admission.Mode is AdmissionMode.Enforce ? "enforce" : "shadow";
    }

    /// <summary>Readers of a stored answer are not counted.</summary>
    private sealed class NoRegistration : IDisposable
    {
        public static readonly NoRegistration Instance = new();

        public void Dispose()
        {
        }
    }
}
