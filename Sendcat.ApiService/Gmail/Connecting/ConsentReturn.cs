using Microsoft.AspNetCore.WebUtilities;
using Npgsql;
using Sendcat.ApiService.Http;
using Sendcat.Integrations.Gmail;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Gmail.Connecting;

/// <summary>
/// Starts consents, and handles the return of the browser: checks state and browser, exchanges the code, reads the address of the mailbox,
/// stores the connection and enqueues the first sync. The browser always gets a page, never an error text.
/// </summary>
internal sealed class ConsentReturn(
    ConsentFlows flows, GmailConsents consents, GmailClient gmail, GmailConnections connections, OriginPolicy origins,
    PublicAddress address, TimeProvider time,
    ILogger<ConsentReturn> logger)
{
    public const string Path = "/api/gmail/auth/callback";

    private const string Settings = "/settings";
    private const string LocalApp = "http://localhost:3000";
    private const int LongestParameter = 4096;
    private const int LongestError = 512;

    /// <summary>
    /// The time for all requests to Google of one return. It is not longer than the timeout of one attempt: Google may have used up the
    /// code of an attempt that timed out.
    /// </summary>
    private static readonly TimeSpan Deadline = GmailOAuthProvider.Policy.Timeout;

    /// <returns>
    /// Google's page; 404 without credentials at Google, a key to encrypt tokens with, or a public address; 503 when Redis does not
    /// respond.
    /// </returns>
    public async Task<Outcome<GmailConsentPage>> StartAsync(HttpContext http, string userId)
    {
        if (!consents.IsConfigured || address.Of(http, Path) is not { } redirectUri)
        {
            return ApiError.NotConfigured("Gmail");
        }

        try
        {
            var (state, challenge) = await flows.BeginAsync(http, userId, redirectUri);
            return new GmailConsentPage(consents.AuthorizationUrl(redirectUri, state, challenge));
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            return ApiError.UpstreamUnavailable(TimeSpan.FromSeconds(1), RefusalReason.RedisUnavailable);
        }
    }

    /// <returns>The page of the web app to which the browser goes.</returns>
    public async Task<string> ReturnAsync(HttpContext http, string? code, string? state, string? error)
    {
        var (result, cause) = await ResultAsync(http, code, state, error);
        if (cause is not null)
        {
            logger.ConsentFailed(result, cause);
        }

        var page = origins.PageAddress(Settings) ?? $"{LocalApp}{Settings}";
        return QueryHelpers.AddQueryString(QueryHelpers.AddQueryString(page, "tab", "connections"), "gmail", result);
    }

    /// <summary>Not cancelled when the browser leaves: a reload cancels the request, and Google accepts the code once.</summary>
    private async Task<(string Result, string? Cause)> ResultAsync(HttpContext http, string? code, string? state, string? error)
    {
        if (code is { Length: > LongestParameter } || state is { Length: > LongestParameter } || error is { Length: > LongestError })
        {
            return (ConsentResult.Error, "a parameter is too long");
        }

        if (error is { Length: > 0 } || code is not { Length: > 0 } || state is not { Length: > 0 })
        {
            return (ConsentResult.Error, error is { Length: > 0 } ? "error of Google" : "a parameter is missing");
        }

        if (flows.Read(state) is not { } asked)
        {
            return (ConsentResult.Error, "state");
        }

        if (flows.IsExpired(asked))
        {
            return (ConsentResult.Expired, "state");
        }

        using var deadline = new CancellationTokenSource(Deadline, time);
        try
        {
            return await flows.TakeAsync(http, asked) is { } flow
                ? await ConnectAsync(asked.UserId, flow, code, deadline.Token)
                : (ConsentResult.Error, "the state was used, or belongs to another browser");
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return (ConsentResult.Error, "Google in time");
        }
        catch (Exception failure) when (RedisFailure.Is(failure) || PostgresFailure.Is(failure))
        {
            return (ConsentResult.Error, failure.GetType().Name);
        }
    }

    private async Task<(string Result, string? Cause)> ConnectAsync(
        string userId, ConsentFlow flow, string code, CancellationToken deadline)
    {
        var policy = GmailOAuthProvider.Policy with { TooLate = deadline };
        var exchanged = await consents.ExchangeAsync(code, flow.Verifier, flow.RedirectUri, policy, CancellationToken.None);
        if (!exchanged.IsSuccess)
        {
            return Failed(exchanged.Error);
        }

        var tokens = exchanged.Value;
        if (tokens.RefreshToken is not { Length: > 0 } refreshToken || !GmailScopes.PermitReading(tokens.Scope))
        {
            return (ConsentResult.Reauth, tokens.RefreshToken is null ? "no refresh token" : "reading was not granted");
        }

        var profile = await gmail.ProfileAsync(tokens.AccessToken, CancellationToken.None, policy);
        if (!profile.IsSuccess)
        {
            return Failed(profile.Error);
        }

        try
        {
            return await connections.ConnectAsync(userId, profile.Value, refreshToken, tokens, CancellationToken.None)
                ? (ConsentResult.Connected, null)
                : (ConsentResult.Error, "the mailbox belongs to another user");
        }
        catch (PostgresException gone) when (gone.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            return (ConsentResult.Error, "the account was deleted");
        }
    }

    private static (string Result, string? Cause) Failed(UpstreamError error) =>
        (error.IsSaturated ? ConsentResult.Busy : ConsentResult.Error, error.Message);
}

/// <summary>How a consent ended, for the page of the web app.</summary>
internal static class ConsentResult
{
    public const string Connected = "connected";

    /// <summary>The user refused, the state is not ours, or the mailbox belongs to another user.</summary>
    public const string Error = "error";

    /// <summary>The user took longer than ten minutes.</summary>
    public const string Expired = "expired";

    /// <summary>Google gave no permission to read while the user is away: the user must give the consent again.</summary>
    public const string Reauth = "reauth";

    /// <summary>Too many users connect at this moment.</summary>
    public const string Busy = "busy";
}
