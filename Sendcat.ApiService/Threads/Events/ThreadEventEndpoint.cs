using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads.Events;

/// <summary><c>GET /api/threads/{id}/events</c>: notifies other tabs and devices of new messages and turns.</summary>
internal static class ThreadEventEndpoint
{
    private const string LastEventId = "Last-Event-ID";

    public static void MapThreadEvents(this IEndpointRouteBuilder app) =>
        app.MapGet("/api/threads/{id}/events", FollowAsync).WithTags("Threads")
            .As("threads.events", "Follow a thread's changes", 401, 403, 429)
            .Produces(StatusCodes.Status200OK, contentType: "text/event-stream");

    private static async Task<IResult> FollowAsync(
        HttpContext http, string id, ThreadAccess access, Principals principals, ThreadEventReaders readers, ThreadChanges changes,
        ThreadSignals signals,
        IHostApplicationLifetime host, TimeProvider time, ILogger<ThreadEventStream> logger, CancellationToken cancellationToken)
    {
        if (!(await access.OpenAsync(http, id, "threads.events", null, cancellationToken)).TryGet(out var open, out var refusal)
            || !readers.Enter(http, open.Principal).TryGet(out var registration, out refusal))
        {
            return refusal;
        }

        var position = ThreadPosition.Parse(http.Request.Headers[LastEventId]);
        return new ThreadEventStream(open, position, principals.SignInOf(http), registration, changes, signals, host, time, logger);
    }
}
