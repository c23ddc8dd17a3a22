using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// Branch, edit and retry. Each creates a new thread with the earlier messages of the old one. Edit and retry append the user message, so
/// that <c>POST /api/chat</c> can continue from it.
/// </summary>
internal static class CompositionEndpoints
{
    public static void MapCompositions(this IEndpointRouteBuilder app)
    {
        var thread = app.MapGroup("/api/threads/{id}").WithTags("Threads");
        thread.MapPost("/branch", BranchAsync).RequireLimit(RequestBudget.ThreadCreate).Takes<Branch>()
            .As("threads.branch", "Branch: a new thread with the messages up to this one", 400, 401, 403, 404, 409, 413, 415, 429);
        thread.MapPost("/edit", EditAsync).RequireLimit(RequestBudget.ThreadCreate).Takes<Edit>()
            .As("threads.edit", "Edit: a new thread in which this user message has new content", 400, 401, 403, 404, 409, 413, 415, 429);
        thread.MapPost("/retry", RetryAsync).RequireLimit(RequestBudget.ThreadCreate).Takes<Branch>()
            .As(
                "threads.retry", "Retry: a new thread that repeats the user message of this answer", 400, 401, 403, 404, 409, 413, 415,
                429);
    }

    private static async Task<Results<Created<ThreadView>, ApiError>> BranchAsync(
        HttpContext http, string id, Composition composition, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ThreadsJson.Default.Branch, cancellationToken);
        return body.TryGet(out var branch, out var refusal)
            ? ToResult(await composition.BranchAsync(http, id, branch, cancellationToken))
            : refusal;
    }

    private static async Task<Results<Created<ThreadView>, ApiError>> EditAsync(
        HttpContext http, string id, Composition composition, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ThreadsJson.Default.Edit, cancellationToken);
        return body.TryGet(out var edit, out var refusal)
            ? ToResult(await composition.EditAsync(http, id, edit, cancellationToken))
            : refusal;
    }

    private static async Task<Results<Created<ThreadView>, ApiError>> RetryAsync(
        HttpContext http, string id, Composition composition, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ThreadsJson.Default.Branch, cancellationToken);
        return body.TryGet(out var retry, out var refusal)
            ? ToResult(await composition.RetryAsync(http, id, retry, cancellationToken))
            : refusal;
    }

    private static Results<Created<ThreadView>, ApiError> ToResult(Outcome<ThreadView> outcome) =>
        outcome.TryGet(out var view, out var refusal) ? TypedResults.Created($"/api/threads/{view.Id:D}", view) : refusal;
}
