using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Threads;

/// <summary>Branch, edit and retry: each makes a new thread beside the old one, with what was said before; edit and retry put the user's message at its end, ready for <c>POST /api/chat</c>.</summary>
internal static class CompositionEndpoints
{
    public static void MapCompositions(this IEndpointRouteBuilder app)
    {
        var thread = app.MapGroup("/api/threads/{id}").WithTags("Threads");
        thread.MapPost("/branch", BranchAsync).RequireLimit(RequestBudget.ThreadCreate).Takes<Branch>().As("threads.branch", "A new thread with the messages up to this one", 400, 401, 403, 404, 409, 413, 415, 429);
        thread.MapPost("/edit", EditAsync).RequireLimit(RequestBudget.ThreadCreate).Takes<Edit>().As("threads.edit", "A new thread in which this user message says something else", 400, 401, 403, 404, 409, 413, 415, 429);
        thread.MapPost("/retry", RetryAsync).RequireLimit(RequestBudget.ThreadCreate).Takes<Branch>().As("threads.retry", "A new thread that asks the same again", 400, 401, 403, 404, 409, 413, 415, 429);
    }

    private static async Task<Results<Created<ThreadView>, ApiError>> BranchAsync(HttpContext http, string id, Composition composition, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ThreadsJson.Default.Branch, cancellationToken);
        return body.TryGet(out var branch, out var refusal)
            ? Answer(await composition.BranchAsync(http, id, branch, cancellationToken))
            : refusal;
    }

    private static async Task<Results<Created<ThreadView>, ApiError>> EditAsync(HttpContext http, string id, Composition composition, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ThreadsJson.Default.Edit, cancellationToken);
        return body.TryGet(out var edit, out var refusal)
            ? Answer(await composition.EditAsync(http, id, edit, cancellationToken))
            : refusal;
    }

    private static async Task<Results<Created<ThreadView>, ApiError>> RetryAsync(HttpContext http, string id, Composition composition, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ThreadsJson.Default.Branch, cancellationToken);
        return body.TryGet(out var retry, out var refusal)
            ? Answer(await composition.RetryAsync(http, id, retry, cancellationToken))
            : refusal;
    }

    private static Results<Created<ThreadView>, ApiError> Answer(Outcome<ThreadView> made) =>
        made.TryGet(out var view, out var refusal) ? TypedResults.Created($"/api/threads/{view.Id:D}", view) : refusal;
}
