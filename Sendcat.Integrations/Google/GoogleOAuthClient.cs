using System.Text.Json;
using Microsoft.Extensions.Options;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Outbound;

namespace Sendcat.Integrations.Google;

/// <summary>The authorization code flow of Google, with PKCE: the address that asks for consent, and the exchange of the code for tokens.</summary>
public sealed class GoogleOAuthClient(Upstream upstream, IOptionsMonitor<GoogleOptions> options)
{
    /// <summary>The address that the browser of the user visits.</summary>
    /// <param name="authorization">What is asked for.</param>
    /// <param name="client">Null: the client of <see cref="GoogleOptions"/>.</param>
    public string AuthorizationUrl(GoogleAuthorization authorization, GoogleClient? client = null)
    {
        var settings = options.CurrentValue;
        (string Name, string? Value)[] parameters =
        [
            ("client_id", client?.Id ?? settings.ClientId),
            ("redirect_uri", authorization.RedirectUri),
            ("response_type", "code"),
            ("scope", authorization.Scope),
            ("state", authorization.State),
            ("code_challenge", authorization.CodeChallenge),
            ("code_challenge_method", "S256"),
            ("nonce", authorization.Nonce),
            ("prompt", authorization.Prompt),
            ("access_type", authorization.Offline ? "offline" : null),
        ];
        var query = parameters.Where(parameter => parameter.Value is not null).Select(parameter => $"{parameter.Name}={Uri.EscapeDataString(parameter.Value!)}");
        return $"{settings.AuthorizationUrl}?{string.Join('&', query)}";
    }

    /// <summary>Exchanges a code for tokens. Google accepts a code once.</summary>
    /// <param name="code">The code that Google sent to the redirect address.</param>
    /// <param name="verifier">The PKCE verifier of <see cref="GoogleAuthorization.CodeChallenge"/>.</param>
    /// <param name="redirectUri">The redirect address of the authorization.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <param name="policy">Null: <see cref="GmailOAuthProvider.Policy"/>.</param>
    /// <param name="client">Null: the client of <see cref="GoogleOptions"/>.</param>
    /// <returns>The tokens; an error with the status 400 when Google refuses the code, and 401 when it refuses the client.</returns>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public Task<UpstreamResult<GoogleTokens>> ExchangeAsync(
        string code, string verifier, string redirectUri, CancellationToken cancellationToken, UpstreamPolicy? policy = null, GoogleClient? client = null)
    {
        var settings = options.CurrentValue;
        return upstream.RequestAsync(policy ?? GmailOAuthProvider.Policy, CreateRequest, Read, cancellationToken);

        HttpRequestMessage CreateRequest() => new(HttpMethod.Post, settings.TokenUrl)
        {
            Content = new FormUrlEncodedContent(
            [
                new("grant_type", "authorization_code"),
                new("code", code),
                new("code_verifier", verifier),
                new("redirect_uri", redirectUri),
                new("client_id", client?.Id ?? settings.ClientId),
                new("client_secret", client?.Secret ?? settings.ClientSecret),
            ]),
        };
    }

    /// <summary>Requests a new access token.</summary>
    /// <param name="refreshToken">The refresh token.</param>
    /// <param name="client">The client that it was issued to.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <returns>The tokens; an error with the code <c>invalid_grant</c> when the refresh token is not valid any more.</returns>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public Task<UpstreamResult<GoogleTokens>> RefreshAsync(string refreshToken, GoogleClient client, CancellationToken cancellationToken)
    {
        var address = options.CurrentValue.TokenUrl;
        return upstream.RequestAsync(GmailOAuthProvider.JobPolicy, CreateRequest, Read, cancellationToken);

        HttpRequestMessage CreateRequest() => new(HttpMethod.Post, address)
        {
            Content = new FormUrlEncodedContent(
            [
                new("grant_type", "refresh_token"),
                new("refresh_token", refreshToken),
                new("client_id", client.Id),
                new("client_secret", client.Secret),
            ]),
        };
    }

    /// <summary>Revokes the consent that a token belongs to: all its tokens end.</summary>
    /// <param name="token">A refresh or access token.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <returns>An error with the status 400 when the token was not valid any more.</returns>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public Task<UpstreamResult<GoogleRevoked>> RevokeAsync(string token, CancellationToken cancellationToken)
    {
        var address = options.CurrentValue.RevokeUrl;
        return upstream.RequestAsync(GmailOAuthProvider.JobPolicy, CreateRequest, _ => GoogleRevoked.Value, cancellationToken);

        HttpRequestMessage CreateRequest() => new(HttpMethod.Post, address) { Content = new FormUrlEncodedContent([new("token", token)]) };
    }

    private static GoogleTokens? Read(JsonElement body) => body.Text("access_token") is { } access
        ? new(access, body.Text("refresh_token"), body.Text("id_token"), TimeSpan.FromSeconds(Math.Clamp(body.Number("expires_in") ?? 0, 0, 86_400)), body.Text("scope") ?? "")
        : null;
}

/// <param name="Id">The client id.</param>
/// <param name="Secret">The client secret.</param>
public sealed record GoogleClient(string Id, string Secret);

/// <summary>A consent was revoked.</summary>
public sealed record GoogleRevoked
{
    public static readonly GoogleRevoked Value = new();
}

/// <param name="RedirectUri">Where Google sends the code. It must be registered at Google.</param>
/// <param name="Scope">The scopes, separated by blanks.</param>
/// <param name="State">Returned unchanged with the code.</param>
/// <param name="CodeChallenge">SHA-256 of the PKCE verifier, in Base64 for URLs.</param>
public sealed record GoogleAuthorization(string RedirectUri, string Scope, string State, string CodeChallenge)
{
    /// <summary>Contained in the ID token; null: none.</summary>
    public string? Nonce { get; init; }

    /// <summary>What Google asks in any case: <c>select_account</c>, <c>consent</c>; null: only what it must.</summary>
    public string? Prompt { get; init; }

    /// <summary>Whether a refresh token is wanted.</summary>
    public bool Offline { get; init; }
}

/// <param name="AccessToken">For Google's APIs.</param>
/// <param name="RefreshToken">Only at the first consent, for an offline authorization.</param>
/// <param name="IdToken">Only with the scope <c>openid</c>. Not validated: see <see cref="GoogleIdTokens"/>.</param>
/// <param name="ExpiresIn">Lifetime of the access token.</param>
/// <param name="Scope">The scopes that the user granted.</param>
public sealed record GoogleTokens(string AccessToken, string? RefreshToken, string? IdToken, TimeSpan ExpiresIn, string Scope);
