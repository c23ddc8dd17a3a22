using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.SignUps;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.ApiService.Identity.Tokens;
using Sendcat.ApiService.Mail;
using Sendcat.Integrations.Mail;

namespace Sendcat.ApiService.Identity;

/// <summary><c>/api/auth/*</c>: anonymous sessions, accounts and sign-ins.</summary>
internal static class AuthEndpoints
{
    public static void MapAuth(this IEndpointRouteBuilder app)
    {
        var auth = app.MapGroup("/api/auth").WithTags("Identity");
        auth.MapPost("/anonymous", Anonymous).RequireLimit(RequestBudget.AnonymousSession)
            .As("auth.anonymous", "Create an anonymous session", 429);
        auth.MapPost("/register", RegisterAsync).RequireLimit(RequestBudget.Registration).Takes<Registration>()
            .As(
                "auth.register",
                "Create an account, unconfirmed until its token is sent to /confirm; a taken address gets the same response", 400, 413, 415,
                429, 503);
        auth.MapPost("/confirm", ConfirmAsync).RequireLimit(RequestBudget.SignIn).Takes<Confirmation>()
            .As("auth.confirm", "Confirm the address, with the token mailed at registration", 400, 413, 415, 429);
        auth.MapPost("/login", SignInAsync).RequireLimit(RequestBudget.SignIn).Takes<SignIn>()
            .As("auth.login", "Sign in", 400, 401, 413, 415, 429, 503);
        auth.MapPost("/refresh", RefreshAsync).RequireLimit(RequestBudget.SignIn).Takes<Refresh>()
            .As("auth.refresh", "Exchange a refresh token for the next pair", 400, 401, 413, 415, 429);
        auth.MapPost("/logout", SignOutAsync).RequireLimit(RequestBudget.SignIn).Takes<Refresh>()
            .As("auth.logout", "End the sign-in of a refresh token", 400, 413, 415, 429);
        auth.MapPost("/forgot-password", ForgotAsync).RequireLimit(RequestBudget.PasswordReset).Takes<ForgotPassword>()
            .As("auth.forgotPassword", "Request a password reset link by mail", 400, 413, 415, 429);
        auth.MapPost("/reset-password", ResetAsync).RequireLimit(RequestBudget.SignIn).Takes<PasswordReset>()
            .As("auth.resetPassword", "Choose a new password with a reset link", 400, 413, 415, 429, 503);
        auth.MapGet("/me", MeAsync).As("auth.me", "The signed-in user, with the ways to sign in", 401);
    }

    private static Ok<AnonymousSession> Anonymous(AnonymousSessions sessions) => TypedResults.Ok(new AnonymousSession(sessions.Issue()));

    private static async Task<Results<Ok<Registered>, ApiError>> RegisterAsync(
        HttpContext http, Registrations registrations, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.Registration, cancellationToken);
        if (!body.TryGet(out var registration, out var refusal))
        {
            return refusal;
        }

        return await registrations.RegisterAsync(registration, cancellationToken) is { } failed
            ? failed
            : TypedResults.Ok(new Registered(registration.Email!));
    }

    private static async Task<Results<NoContent, ApiError>> ConfirmAsync(
        HttpContext http, Accounts accounts, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.Confirmation, cancellationToken);
        if (!body.TryGet(out var confirmation, out var refusal))
        {
            return refusal;
        }

        return await accounts.ConfirmAsync(confirmation.Token!, cancellationToken) is { } failed ? failed : TypedResults.NoContent();
    }

    private static async Task<Results<Ok<SignedIn>, ApiError>> SignInAsync(
        HttpContext http, Accounts accounts, Principals principals, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.SignIn, cancellationToken);
        if (!body.TryGet(out var signIn, out var refusal))
        {
            return refusal;
        }

        var outcome = await accounts.SignInAsync(
            signIn, ClientAddress.KeysOf(http), principals.AdoptableSession(http, signIn.SessionId), cancellationToken);
        return outcome.TryGet(out var signedIn, out refusal) ? TypedResults.Ok(signedIn) : refusal;
    }

    private static async Task<Results<Ok<SignedIn>, ApiError>> RefreshAsync(
        HttpContext http, Accounts accounts, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.Refresh, cancellationToken);
        if (!body.TryGet(out var refresh, out var refusal))
        {
            return refusal;
        }

        var outcome = await accounts.RefreshAsync(refresh.RefreshToken!, cancellationToken);
        return outcome.TryGet(out var signedIn, out refusal) ? TypedResults.Ok(signedIn) : refusal;
    }

    private static async Task<Results<NoContent, ApiError>> SignOutAsync(
        HttpContext http, RefreshTokens tokens, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.Refresh, cancellationToken);
        if (!body.TryGet(out var refresh, out var refusal))
        {
            return refusal;
        }

        await tokens.EndAsync(refresh.RefreshToken!, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Accepted, ApiError>> ForgotAsync(
        HttpContext http, OutgoingMails mails, AddressDigests digests, RequestLimits limits, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.ForgotPassword, cancellationToken);
        if (!body.TryGet(out var forgot, out var refusal))
        {
            return refusal;
        }

        if (await limits.RefusalAsync(
            http, RequestBudget.PasswordReset, $"email:{digests.OfMail(forgot.Email!)}", cancellationToken) is { } tooMany)
        {
            return tooMany;
        }

        await mails.EnqueueAsync(MailKind.PasswordReset, forgot.Email!, cancellationToken);
        return TypedResults.Accepted((string?)null);
    }

    private static async Task<Results<NoContent, ApiError>> ResetAsync(
        HttpContext http, Accounts accounts, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.PasswordReset, cancellationToken);
        if (!body.TryGet(out var reset, out var refusal))
        {
            return refusal;
        }

        return await accounts.ResetPasswordAsync(reset, ClientAddress.KeyOf(http), cancellationToken) is { } failed
            ? failed
            : TypedResults.NoContent();
    }

    private static async Task<Results<Ok<Me>, ApiError>> MeAsync(
        HttpContext http, Principals principals, SendcatDb db, CancellationToken cancellationToken)
    {
        if (!principals.ReadUser(http).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        var links = db.ExternalSignIns.Where(s => s.Provider == ExternalSignIn.Google);
        var me = await db.Users.Where(u => u.Id == principal.UserId && u.Email != null)
            .Select(u => new Me(
                u.Id, u.Email!, u.EmailConfirmed, u.CreatedAt, u.PasswordHash != null,
                links.Where(s => s.UserId == u.Id).Select(s => new LinkedGoogle(s.Email, s.LinkedAt)).FirstOrDefault()))
            .SingleOrDefaultAsync(cancellationToken);
        return me is null ? ApiError.Unauthorized("The account does not exist any more") : TypedResults.Ok(me);
    }
}
