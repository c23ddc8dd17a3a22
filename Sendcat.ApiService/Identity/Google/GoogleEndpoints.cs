using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Identity.Google;

/// <summary><c>/api/auth/google/*</c>: sign-in with Google.</summary>
internal static class GoogleEndpoints
{
    public static void MapGoogle(this IEndpointRouteBuilder app)
    {
        var google = app.MapGroup("/api/auth/google").WithTags("Identity");
        google.MapGet("/start", StartAsync).RequireLimit(RequestBudget.SignIn).Produces(StatusCodes.Status302Found)
            .As(
                "auth.google.start", "Sign in with Google: the browser is sent to Google, then to returnTo with googleCode or googleError",
                400, 404, 429, 503);
        google.MapGet("/callback", CallbackAsync).RequireLimit(RequestBudget.SignIn).Produces(StatusCodes.Status302Found)
            .As("auth.google.callback", "Return from Google: for Google alone, sends the browser to its page", 404, 429);
        google.MapPost("/exchange", ExchangeAsync).RequireLimit(RequestBudget.SignIn).Takes<GoogleExchange>()
            .As("auth.google.exchange", "Exchange a googleCode for tokens", 400, 401, 403, 409, 413, 415, 429, 503);
    }

    private static async Task<Results<RedirectHttpResult, ApiError>> StartAsync(
        HttpContext http, GoogleCallbacks callbacks, string? returnTo, string? challenge) =>
        (await callbacks.StartAsync(http, returnTo, challenge)).TryGet(out var location, out var refusal)
            ? TypedResults.Redirect(location)
            : refusal;

    private static async Task<Results<RedirectHttpResult, ApiError>> CallbackAsync(
        HttpContext http, GoogleCallbacks callbacks, string? code, string? state, string? error) =>
        (await callbacks.ReturnAsync(http, code, state, error)).TryGet(out var location, out var refusal)
            ? TypedResults.Redirect(location)
            : refusal;

    private static async Task<Results<Ok<SignedIn>, ApiError>> ExchangeAsync(
        HttpContext http, GoogleSignIns signIns, CancellationToken cancellationToken) =>
        (await signIns.SignInAsync(http, cancellationToken)).TryGet(out var signedIn, out var refusal)
            ? TypedResults.Ok(signedIn)
            : refusal;
}
