using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Sendcat.UpstreamEmulator.Rest;

namespace Sendcat.UpstreamEmulator.Google;

/// <summary>
/// Emulates Google's OAuth endpoints under <c>/google</c>: the page on which a person chooses an account, the exchange of the code with
/// PKCE, refresh and revocation of tokens, and the keys that sign ID tokens.
/// </summary>
internal sealed class GoogleUpstream(
    RestRequestHandler handler, GoogleCodes codes, GoogleGrants grants, GoogleSigningKeys keys, TimeProvider clock) : IRestUpstream
{
    public const string AuthPath = "/google/o/oauth2/v2/auth";

    public string Name => "google";

    public RestResponse Refuse(int status, string? message = null) => status switch
    {
        400 => OAuthError(400, "invalid_request", message ?? "Bad Request"),
        401 => OAuthError(401, "invalid_client", message ?? "Unauthorized"),
        >= 500 => OAuthError(status, "internal_failure", message ?? "Internal server error"),
        _ => OAuthError(status, "access_denied", message ?? "Request refused"),
    };

    /// <summary>
    /// Shows the page that asks for an account. With the parameter <c>account</c>, which that page adds and a test may add, it redirects
    /// with a code; with <c>deny</c> it redirects with <c>access_denied</c>.
    /// </summary>
    public async Task AuthorizeAsync(HttpContext http)
    {
        var query = http.Request.Query;
        var refusal = !ApiKey.IsValid(query["client_id"]) ? "invalid_client: the client was not found"
            : !Uri.TryCreate(query["redirect_uri"], UriKind.Absolute, out var redirect) || redirect.Scheme is not ("http" or "https")
            ? "redirect_uri_mismatch"
            : query["response_type"] != "code" ? "unsupported_response_type"
            : query["scope"].Count != 1 ? "invalid_request: scope is missing"
            : query["code_challenge"].Count > 0 && query["code_challenge_method"] != "S256"
            ? "invalid_request: code_challenge_method must be S256"
            : null;
        if (refusal is not null)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            await WriteHtmlAsync(http, AccountPage.Error(refusal));
        }
        else if (query["deny"].Count > 0)
        {
            Return(http, [("error", "access_denied"), ("state", query["state"])]);
        }
        else if (query["account"].ToString() is not { Length: > 0 } account)
        {
            await WriteHtmlAsync(http, AccountPage.Choose(AuthPath, query));
        }
        else
        {
            var code = codes.Issue(new(
                account, query["client_id"].ToString(), query["redirect_uri"].ToString(), query["code_challenge"], query["nonce"],
                query["scope"].ToString(),
                query["access_type"] == "offline"));
            Return(http, [("code", code), ("state", query["state"]), ("scope", query["scope"])]);
        }
    }

    public async Task TokenAsync(HttpContext http)
    {
        var form = http.Request.HasFormContentType ? await http.Request.ReadFormAsync(http.RequestAborted) : FormCollection.Empty;
        var (client, secret) = (form["client_id"].ToString(), form["client_secret"].ToString());
        var refusal = !ApiKey.IsValid(client) || !ApiKey.IsValid(secret) ? OAuthError(401, "invalid_client", "Unauthorized")
            : form["grant_type"].ToString() is not ("authorization_code" or "refresh_token")
            ? OAuthError(400, "unsupported_grant_type", "Invalid grant_type")
            : null;
        if (form["grant_type"] == "refresh_token")
        {
            var consent = grants.OfRefresh(form["refresh_token"].ToString());
            await handler.ServeAsync(
                http, this, new("refresh", consent?.Account ?? "", refusal, (_, directions) => Refresh(consent, client, directions)));
            return;
        }

        var code = form["code"].ToString();
        await handler.ServeAsync(http, this, new(
            "token", codes.AccountOf(code) ?? "", refusal, (account, directions) => Exchange(code, client, form, account, directions)));
    }

    /// <summary>Ends the consent of a refresh or access token.</summary>
    public async Task RevokeAsync(HttpContext http)
    {
        var form = http.Request.HasFormContentType ? await http.Request.ReadFormAsync(http.RequestAborted) : FormCollection.Empty;
        var token = form["token"].Count > 0 ? form["token"].ToString() : http.Request.Query["token"].ToString();
        await handler.ServeAsync(
            http, this, new("revoke", (grants.OfRefresh(token) ?? grants.OfAccess(token))?.Account ?? "", null, (_, _) =>
                grants.Revoke(token) ? RestResponse.Of(new { }) : OAuthError(400, "invalid_token", "Token expired or revoked")));
    }

    public Task CertificatesAsync(HttpContext http) =>
        handler.ServeAsync(http, this, new("certs", "", null, (_, _) => RestResponse.Of(new { keys = keys.Published() })));

    private RestResponse Exchange(string code, string client, IFormCollection form, string account, RestDirections directions)
    {
        // As with Google, a code works once, also when the request that used it failed.
        if (codes.Take(code) is not { } granted || granted.Client != client)
        {
            return OAuthError(400, "invalid_grant", "Malformed auth code.");
        }

        if (granted.RedirectUri != form["redirect_uri"])
        {
            return OAuthError(400, "redirect_uri_mismatch", "Bad Request");
        }

        if (granted.Challenge is { } challenge && challenge != ChallengeOf(form["code_verifier"].ToString()))
        {
            return OAuthError(400, "invalid_grant", "Invalid code verifier.");
        }

        var consent = new Consent(account.Trim().ToLowerInvariant(), client, granted.Scope);
        return RestResponse.Of(new
        {
            access_token = grants.IssueAccess(consent, LifeOf(directions)),
            expires_in = (int)LifeOf(directions).TotalSeconds,
            refresh_token = granted.Offline && !directions.NoRefresh ? grants.IssueRefresh(consent) : null,
            scope = granted.Scope,
            token_type = "Bearer",
            id_token = granted.Scope.Split(' ').Contains("openid") && directions.IdToken is not IdTokenFault.Missing
                ? IdTokens.Sign(keys, granted, account, directions, clock.GetUtcNow())
                : null,
        });
    }

    private RestResponse Refresh(Consent? consent, string client, RestDirections directions) =>
        consent is null || consent.Client != client
            ? OAuthError(400, "invalid_grant", "Token has been expired or revoked.")
            : RestResponse.Of(new
            {
                access_token = grants.IssueAccess(consent, LifeOf(directions)),
                expires_in = (int)LifeOf(directions).TotalSeconds,
                scope = consent.Scope,
                token_type = "Bearer",
            });

    private static TimeSpan LifeOf(RestDirections directions) =>
        directions.ExpiresInMs is { } life ? TimeSpan.FromMilliseconds(life) : GoogleGrants.AccessLife;

    private static void Return(HttpContext http, IEnumerable<(string Name, string? Value)> parameters)
    {
        var redirect = http.Request.Query["redirect_uri"].ToString();
        var query = string.Join(
            '&', parameters.Where(one => one.Value is not null).Select(one => $"{one.Name}={Uri.EscapeDataString(one.Value!)}"));
        http.Response.Redirect($"{redirect}{(redirect.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{query}");
    }

    private static Task WriteHtmlAsync(HttpContext http, string html)
    {
        http.Response.ContentType = "text/html; charset=utf-8";
        return http.Response.WriteAsync(html, http.RequestAborted);
    }

    private static string ChallengeOf(string verifier) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));

    private static RestResponse OAuthError(int status, string error, string description) =>
        RestResponse.Of(new { error, error_description = description }, status);
}

internal static class GoogleRoutes
{
    public static void MapGoogle(this WebApplication app)
    {
        var google = app.Services.GetRequiredService<GoogleUpstream>();
        app.MapGet(GoogleUpstream.AuthPath, google.AuthorizeAsync);
        app.MapPost("/google/token", google.TokenAsync);
        app.MapPost("/google/revoke", google.RevokeAsync);
        app.MapGet("/google/oauth2/v3/certs", google.CertificatesAsync);
        app.MapPost("/rest/emulator/google/keys/rotate", (GoogleSigningKeys keys) =>
        {
            keys.Rotate();
            return Results.NoContent();
        });
    }
}
