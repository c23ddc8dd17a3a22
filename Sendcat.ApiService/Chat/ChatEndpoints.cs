using System.Diagnostics;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Gate;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The endpoints of turns: start, abort and resume a turn and read the gateway's health below <c>/api/chat</c>, and abort a thread's newest
/// turn with <c>/api/threads/{id}/abort</c>.
/// </summary>
internal sealed class ChatEndpoints(
    ChatGate gate, ThreadGate threads, TurnStarter starter, TurnAborts aborts, LiveTurns turns, TurnDirectory directory, RemoteTurn remote,
    KeepAliveTicker keepAlive, IOptionsMonitor<ChatGatewayOptions> gateway, AdmissionController admission)
{
    /// <summary>Response header of every started turn: the id of its thread, which a request without one cannot know.</summary>
    private const string ThreadIdHeader = "x-sendcat-thread-id";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var chat = routes.MapGroup("/api/chat").WithTags("Chat");
        chat.MapPost("", static (HttpContext http, ChatEndpoints endpoints) => endpoints.StartAsync(http))
            .As("startChat", "Start a turn, and stream its answer as server-sent events", 400, 401, 403, 409, 413, 415, 429, 500, 503)
            .Takes<ChatBody>().Produces(200, contentType: ResponseHeaders.EventStream);
        chat.MapPost("/abort", static (HttpContext http, ChatEndpoints endpoints) => endpoints.AbortAsync(http))
            .As("abortChat", "Stop a running turn, from any replica", 400, 401, 403, 413, 415, 429, 503)
            .Takes<AbortBody>().Produces(204);
        chat.MapGet("/{id}/stream", static (string id, HttpContext http, ChatEndpoints endpoints) => endpoints.ResumeAsync(id, http))
            .As("resumeChat", "Come back to a thread's running turn: replayed from its first event, then live", 401, 403, 429, 503)
            .Produces(200, contentType: ResponseHeaders.EventStream).Produces(204);
        routes.MapPost("/api/threads/{id}/abort", static (string id, HttpContext http, ChatEndpoints endpoints) => endpoints.AbortLatestAsync(id, http))
            .WithTags("Threads")
            .As("threads.abort", "Stop the thread's newest turn, from any replica, whether or not its messages are known", 401, 403, 429, 503)
            .Produces(204);
        chat.MapGet("/health", static (HttpContext http, ChatHealth health) => health.AnswerAsync(http))
            .As("chatHealth", "Whether turns can be started; for operators also with which limits", 403, 503)
            .Produces<ChatHealthReport>();
        chat.MapMethods("/health", [HttpMethods.Head], static (HttpContext http, ChatHealth health) => health.AnswerAsync(http)).ExcludeFromDescription();
    }

    private async Task<IResult> StartAsync(HttpContext http)
    {
        SetGatewayHeaders(http);
        if (!(await gate.PassAsync(http)).TryGet(out var pass, out var refusal))
        {
            ChatMetrics.Refused(refusal.Code);
            return refusal;
        }

        var usesUiDialect = UsesUiDialect(http, pass.Request.IsUi);
        if (!(await starter.StartAsync(pass, usesUiDialect, http.RequestAborted)).TryGet(out var turn, out var failed))
        {
            ChatMetrics.Refused(failed.Code);
            return failed;
        }

        TurnSpan.SetIds(Activity.Current, turn.Start.ThreadId, turn.Start.WireStreamId, turn.Record.MessageId);
        http.Response.Headers[ThreadIdHeader] = turn.Start.ThreadId.ToString();
        return new ChatEventStream(turn.Feed, () => turn.InitialReader, Dialect(usesUiDialect), gateway.CurrentValue.Mode, keepAlive);
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

    private async Task<IResult> AbortLatestAsync(string id, HttpContext http)
    {
        SetGatewayHeaders(http);
        if (!(await threads.PassAsync(http, id)).TryGet(out var thread, out var refusal))
        {
            return refusal;
        }

        await aborts.AbortLatestAsync(thread, http.RequestAborted);
        return Results.NoContent();
    }

    private async Task<IResult> ResumeAsync(string id, HttpContext http)
    {
        SetGatewayHeaders(http);
        // A page that resumes its chat before its first message asks for a thread that does not exist yet.
        if (!(await threads.PassAsync(http, id, mayBeUnused: true)).TryGet(out var thread, out var refusal))
        {
            return refusal;
        }

        if (thread == Guid.Empty)
        {
            return Results.NoContent();
        }

        if (turns.ByThread(thread) is { } local)
        {
            TurnSpan.SetIds(Activity.Current, thread, local.Start.WireStreamId);
            return local.TryJoin() is { } registration
                ? Stream(http, local.Feed, registration, local.UsesUiDialect)
                : LiveTurn.TooManyReaders();
        }

        if (await directory.FindAsync(thread) is { } location && !directory.IsLocal(location)
            && await remote.FollowAsync(location, http.RequestAborted) is { } followed)
        {
            return followed.TryGet(out var reader, out var full) ? Stream(http, reader.Feed, reader, location.UsesUiDialect) : full;
        }

        return Results.NoContent();
    }

    private ChatEventStream Stream(HttpContext http, TurnFeed feed, IDisposable registration, bool usesUiDialect) =>
        new(feed, () => registration, Dialect(UsesUiDialect(http, usesUiDialect)), gateway.CurrentValue.Mode, keepAlive);

    /// <param name="otherwise">The result when the query does not name a dialect.</param>
    private static bool UsesUiDialect(HttpContext http, bool otherwise) => (string?)http.Request.Query["stream"] switch
    {
        "ui" => true,
        "sendcat" => false,
        _ => otherwise,
    };

    private static EventDialect Dialect(bool usesUiDialect) => usesUiDialect ? new UiDialect() : new SendcatDialect();

    private void SetGatewayHeaders(HttpContext http)
    {
        http.Response.Headers["X-Sendcat-Chat-Gateway"] = gateway.CurrentValue.Mode;
        // Mode Off is reported as shadow: neither of them refuses a request.
        http.Response.Headers["X-Sendcat-Admission-Mode"] = admission.Mode is AdmissionMode.Enforce ? "enforce" : "shadow";
    }
}
