using Microsoft.AspNetCore.WebUtilities;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.Integrations.Google;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Identity.Google;

/// <summary>
/// Starts flows, and handles the return of the browser: checks state and browser, exchanges the code, validates the ID token, and sends the
/// browser to its page with a one-time code. The browser always gets a page, never an error text.
/// </summary>
internal sealed class GoogleCallbacks(
    GoogleFlows flows, GoogleOAuthClient google, GoogleIdTokens tokens, IOptionsMonitor<GoogleOptions> options, OriginPolicy origins,
    PublicAddress address,
    SendcatDb db, TimeProvider time, ILogger<GoogleCallbacks> logger)
{
    public const string Path = "/api/auth/google/callback";

    /// <summary>The query parameter of the page that has the one-time code.</summary>
    public const string CodeParameter = "googleCode";

    /// <summary>The query parameter of the page that has one of <see cref="GoogleError"/>.</summary>
    public const string ErrorParameter = "googleError";

    private const int ChallengeLength = 43;
    private const int MaxLength = 4096;
    private const int LongestName = 200;

    /// <summary>
    /// The time for all requests to Google of one callback. It is not longer than the timeout of one attempt: Google may have used up the
    /// code of an attempt that timed out.
    /// </summary>
    private static readonly TimeSpan Deadline = GmailOAuthProvider.Policy.Timeout;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    /// <param name="http">The request; the response gets the cookie that binds the flow.</param>
    /// <param name="returnTo">See <see cref="OriginPolicy.PageAddress"/>.</param>
    /// <param name="challenge">See <see cref="GoogleFlow.Challenge"/>.</param>
    /// <returns>
    /// The address of Google's page; 404 without credentials, a public address, or an allowed origin to return to; 400 for a parameter that
    /// is not valid, 503 when Redis does not respond.
    /// </returns>
    public async Task<Outcome<string>> StartAsync(HttpContext http, string? returnTo, string? challenge)
    {
        if (!options.CurrentValue.IsConfigured || address.Of(http, Path) is not { } redirectUri || origins.PageAddress(null) is null)
        {
            return ApiError.NotConfigured("Sign-in with Google");
        }

        if (origins.PageAddress(returnTo) is not { } page)
        {
            return ApiError.InvalidRequest("returnTo must be a path, or the address of a page of an allowed origin");
        }

        if (challenge is not null
            && !(challenge.Length == ChallengeLength && challenge.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')))
        {
            return ApiError.InvalidRequest("challenge must be a SHA-256 in Base64 for URLs, without padding");
        }

        var (state, nonce, verifier) = (GoogleFlows.NewSecret(), GoogleFlows.NewSecret(), GoogleFlows.NewSecret());
        try
        {
            await flows.SaveAsync(state, new(GoogleBrowser.Bind(http), page, redirectUri, nonce, verifier, challenge));
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            return ApiError.UpstreamUnavailable(TimeSpan.FromSeconds(1), RefusalReason.RedisUnavailable);
        }

        return google.AuthorizationUrl(
            new(redirectUri, "openid email profile", state, GoogleFlows.DigestOf(verifier)) { Nonce = nonce, Prompt = "select_account" });
    }

    /// <param name="http">The request.</param>
    /// <param name="code">The code of Google.</param>
    /// <param name="state">The state of the flow.</param>
    /// <param name="error">The error of Google, instead of a code.</param>
    /// <returns>The address of the page. 404 when no page may be named, because no origin may call.</returns>
    public async Task<Outcome<string>> ReturnAsync(HttpContext http, string? code, string? state, string? error)
    {
        if (origins.PageAddress(null) is not { } home)
        {
            return ApiError.NotConfigured("Sign-in with Google");
        }

        if (state is not { Length: > 0 and <= MaxLength } || GoogleBrowser.DigestOf(http) is not { } browser)
        {
            return Failed(home, GoogleError.Expired, "state");
        }

        try
        {
            return await flows.TakeAsync(state, browser) switch
            {
                null => Failed(home, GoogleError.Expired, "state"),
                { IsTaken: true } taken => await ResultOfOtherAsync(state, browser, taken, http.RequestAborted),
                var flow => await FinishAsync(state, flow, code, error),
            };
        }
        catch (Exception failure) when (RedisFailure.Is(failure) && !http.RequestAborted.IsCancellationRequested)
        {
            return Failed(home, GoogleError.Unavailable, "redis");
        }
    }

    /// <summary>
    /// A reload of the callback, while the first one may still wait for Google: the browser shows only the response to the last request.
    /// </summary>
    private async Task<string> ResultOfOtherAsync(string state, string browser, GoogleFlow flow, CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); flow.Location is null && time.GetElapsedTime(began) < Deadline;)
        {
            await Task.Delay(PollInterval, time, cancellationToken);
            flow = await flows.TakeAsync(state, browser) ?? flow;
        }

        return flow.Location ?? Failed(flow.ReturnTo, GoogleError.Expired, "state");
    }

    private async Task<string> FinishAsync(string state, GoogleFlow flow, string? code, string? error)
    {
        var location = await LocationAsync(flow, code, error);
        await flows.FinishAsync(state, flow, location);
        return location;
    }

    /// <summary>
    /// Not cancelled when the browser leaves: a reload cancels the request, and Google accepts the code once.
    /// </summary>
    private async Task<string> LocationAsync(GoogleFlow flow, string? code, string? error)
    {
        if (error is { Length: > 0 })
        {
            return Failed(flow.ReturnTo, error == "access_denied" ? GoogleError.Denied : GoogleError.Failed, "error of Google");
        }

        if (code is not { Length: > 0 and <= MaxLength })
        {
            return Failed(flow.ReturnTo, GoogleError.Failed, "no code");
        }

        using var deadline = new CancellationTokenSource(Deadline, time);
        try
        {
            var exchanged = await google.ExchangeAsync(
                code, flow.Verifier, flow.RedirectUri, CancellationToken.None, GmailOAuthProvider.Policy with { TooLate = deadline.Token });
            if (!exchanged.IsSuccess)
            {
                return Failed(
                    flow.ReturnTo,
                    exchanged.Error.Status is >= 400 and < 500 and not 408 and not 429 ? GoogleError.Failed : GoogleError.Unavailable,
                    exchanged.Error.Message);
            }

            return exchanged.Value.IdToken is { } idToken
                ? await ProveAsync(flow, idToken, deadline.Token)
                : Failed(flow.ReturnTo, GoogleError.Failed, "no ID token");
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return Failed(flow.ReturnTo, GoogleError.Unavailable, "keys in time");
        }
        catch (Exception failure) when (PostgresFailure.Is(failure))
        {
            return Failed(flow.ReturnTo, GoogleError.Unavailable, failure.GetType().Name);
        }
    }

    private async Task<string> ProveAsync(GoogleFlow flow, string idToken, CancellationToken cancellationToken)
    {
        var (identity, fault) = await tokens.ValidateAsync(idToken, options.CurrentValue.ClientId, flow.Nonce, cancellationToken);
        if (identity is null)
        {
            return Failed(
                flow.ReturnTo, fault is IdTokenFault.KeysUnavailable ? GoogleError.Unavailable : GoogleError.Failed, $"ID token: {fault}");
        }

        if (identity.Email is not { } email || !EmailAddress.IsPlausible(email))
        {
            return Failed(flow.ReturnTo, GoogleError.Failed, "no address");
        }

        var name = identity.Name is { } given && StoredText.HasText(given, LongestName) ? given.Trim() : null;
        var account = new GoogleAccount(identity.Subject, email, identity.EmailVerified, identity.IsAuthoritative, name);
        var userId = await db.ExternalSignIns.Where(s => s.Provider == ExternalSignIn.Google && s.Subject == account.Subject)
            .Select(s => s.UserId).SingleOrDefaultAsync(CancellationToken.None);
        var code = await flows.IssueAsync(new(flow.Browser, flow.Challenge, account, userId));
        return QueryHelpers.AddQueryString(flow.ReturnTo, CodeParameter, code);
    }

    private string Failed(string page, string error, string cause)
    {
        logger.GoogleReturnFailed(error, cause);
        return QueryHelpers.AddQueryString(page, ErrorParameter, error);
    }
}

/// <summary>Why the browser came back without a code, for programs.</summary>
internal static class GoogleError
{
    /// <summary>The user cancelled.</summary>
    public const string Denied = "denied";

    /// <summary>The flow is unknown: it took longer than ten minutes, or another browser started it.</summary>
    public const string Expired = "expired";

    /// <summary>Google refused the code, or its response is not valid.</summary>
    public const string Failed = "failed";

    /// <summary>Google or a store does not respond: try again later.</summary>
    public const string Unavailable = "unavailable";
}
