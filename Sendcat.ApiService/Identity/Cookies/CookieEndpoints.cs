using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.ApiService.Identity.Google;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.ApiService.Identity.Tokens;

namespace Sendcat.ApiService.Identity.Cookies;

/// <summary>
/// <c>/api/auth/cookie/*</c>: sessions and sign-ins whose tokens a browser keeps in cookies. No response contains a token.
/// </summary>
internal static class CookieEndpoints
{
    public static void MapCookieAuth(this IEndpointRouteBuilder app)
    {
        var auth = app.MapGroup(BrowserCookies.RefreshPath).WithTags("Identity");
        auth.MapPost("/anonymous", Anonymous).RequireLimit(RequestBudget.AnonymousSession)
            .As("auth.cookie.anonymous", "Start a guest session in a cookie", 429);
        auth.MapPost("/login", SignInAsync).RequireLimit(RequestBudget.SignIn).Takes<SignIn>()
            .As("auth.cookie.login", "Sign in with cookies", 400, 401, 413, 415, 429, 503);
        auth.MapPost("/google", GoogleAsync).RequireLimit(RequestBudget.SignIn).Takes<GoogleExchange>()
            .As("auth.cookie.google", "Sign in with cookies by a googleCode", 400, 401, 403, 409, 413, 415, 429, 503);
        auth.MapPost("/refresh", RefreshAsync).RequireLimit(RequestBudget.SignIn)
            .As("auth.cookie.refresh", "Renew the cookies of a sign-in", 401, 429);
        auth.MapPost("/change-password", ChangePasswordAsync).RequireLimit(RequestBudget.SignIn).Takes<PasswordChange>()
            .As("auth.cookie.changePassword", "Change the password; the cookies get the new sign-in", 400, 401, 403, 413, 415, 429, 503);
        auth.MapPost("/logout", SignOutAsync).RequireLimit(RequestBudget.SignIn)
            .As("auth.cookie.logout", "Sign out and remove the cookies", 429);
    }

    /// <summary>A browser that has a session keeps it, so that a page may call this whenever it loads.</summary>
    private static NoContent Anonymous(HttpContext http, AnonymousSessions sessions, BrowserCookies cookies)
    {
        if (cookies.SessionId(http) is not { } session
            || sessions.Accept(session) is not { } accepted
            || !AnonymousSessions.IsSigned(accepted))
        {
            cookies.SetSession(http, sessions.Issue());
        }

        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<CookieSignIn>, ApiError>> SignInAsync(
        HttpContext http, Accounts accounts, Principals principals, BrowserCookies cookies, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.SignIn, cancellationToken);
        return body.TryGet(out var signIn, out var refusal)
            ? Respond(
                http, cookies,
                await accounts.SignInAsync(
                    signIn, ClientAddress.KeysOf(http), principals.AdoptableSession(http, signIn.SessionId), cancellationToken))
            : refusal;
    }

    private static async Task<Results<Ok<CookieSignIn>, ApiError>> GoogleAsync(
        HttpContext http, GoogleSignIns signIns, BrowserCookies cookies, CancellationToken cancellationToken) =>
        Respond(http, cookies, await signIns.SignInAsync(http, cancellationToken));

    private static async Task<Results<Ok<CookieSignIn>, ApiError>> RefreshAsync(
        HttpContext http, Accounts accounts, BrowserCookies cookies, CancellationToken cancellationToken)
    {
        if (cookies.RefreshToken(http) is not { } token)
        {
            return ApiError.Unauthorized("Sign in first");
        }

        var outcome = await accounts.RefreshAsync(token, cancellationToken);
        if (!outcome.TryGet(out _, out _))
        {
            cookies.RemoveTokens(http);
        }

        return Respond(http, cookies, outcome);
    }

    private static async Task<Results<Ok<CookieSignIn>, ApiError>> ChangePasswordAsync(
        HttpContext http, PasswordChanges changes, BrowserCookies cookies, CancellationToken cancellationToken) =>
        Respond(http, cookies, await changes.ChangeAsync(http, cancellationToken));

    private static async Task<NoContent> SignOutAsync(
        HttpContext http, RefreshTokens tokens, BrowserCookies cookies, CancellationToken cancellationToken)
    {
        if (cookies.RefreshToken(http) is { } token)
        {
            await tokens.EndAsync(token, cancellationToken);
        }

        cookies.RemoveTokens(http);
        return TypedResults.NoContent();
    }

    private static Results<Ok<CookieSignIn>, ApiError> Respond(HttpContext http, BrowserCookies cookies, Outcome<SignedIn> outcome)
    {
        if (!outcome.TryGet(out var signedIn, out var refusal))
        {
            return refusal;
        }

        cookies.SetTokens(http, signedIn);
        return TypedResults.Ok(new CookieSignIn(signedIn.ExpiresIn, signedIn.ClaimedCount));
    }
}
