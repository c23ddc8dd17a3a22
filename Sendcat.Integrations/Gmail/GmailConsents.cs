using Microsoft.Extensions.Options;
using Sendcat.Integrations.Encryption;
using Sendcat.Integrations.Google;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Outbound;

namespace Sendcat.Integrations.Gmail;

/// <summary>The consents of users to read their mailboxes: asked for, exchanged, refreshed and revoked.</summary>
public sealed class GmailConsents(
    GoogleOAuthClient google, SecretCipher cipher, IOptionsMonitor<GmailOptions> options, IOptionsMonitor<GoogleOptions> googleOptions)
{
    /// <summary>The error of a refresh token that was revoked or has expired: only its owner can help.</summary>
    public const string InvalidGrant = "invalid_grant";

    /// <summary>The purpose under which <see cref="SecretCipher"/> encrypts refresh tokens. Their owner is the user.</summary>
    public const string RefreshPurpose = "gmail refresh token";

    /// <summary>The purpose under which <see cref="SecretCipher"/> encrypts access tokens.</summary>
    public const string AccessPurpose = "gmail access token";

    /// <summary>False when there are no credentials at Google, or no key to encrypt tokens with.</summary>
    public bool IsConfigured => Client is not null && cipher.IsConfigured;

    private GoogleClient? Client =>
        options.CurrentValue is { ClientId.Length: > 0, ClientSecret.Length: > 0 } own ? new(own.ClientId, own.ClientSecret)
        : googleOptions.CurrentValue is { IsConfigured: true } shared ? new(shared.ClientId, shared.ClientSecret)
        : null;

    /// <summary>The page of Google that asks for the consent. It always asks, so that it gives a refresh token.</summary>
    /// <param name="redirectUri">Our callback.</param>
    /// <param name="state">Returned unchanged.</param>
    /// <param name="challenge">The PKCE challenge.</param>
    /// <exception cref="InvalidOperationException">See <see cref="IsConfigured"/>.</exception>
    public string AuthorizationUrl(string redirectUri, string state, string challenge) =>
        google.AuthorizationUrl(new(redirectUri, GmailScopes.ReadOnly, state, challenge) { Prompt = "consent", Offline = true }, Required);

    /// <inheritdoc cref="GoogleOAuthClient.ExchangeAsync"/>
    public Task<UpstreamResult<GoogleTokens>> ExchangeAsync(
        string code, string verifier, string redirectUri, UpstreamPolicy policy, CancellationToken cancellationToken) =>
        google.ExchangeAsync(code, verifier, redirectUri, cancellationToken, policy, Required);

    /// <inheritdoc cref="GoogleOAuthClient.RefreshAsync"/>
    public Task<UpstreamResult<GoogleTokens>> RefreshAsync(string refreshToken, CancellationToken cancellationToken) =>
        Client is { } client
            ? google.RefreshAsync(refreshToken, client, cancellationToken)
            : Task.FromResult<UpstreamResult<GoogleTokens>>(
                new UpstreamError(
                    $"{GmailOAuthProvider.Provider.Name}: no credentials are configured.", Retryable: true) { IsMisconfigured = true });

    /// <inheritdoc cref="GoogleOAuthClient.RevokeAsync"/>
    public Task<UpstreamResult<GoogleRevoked>> RevokeAsync(string token, CancellationToken cancellationToken) =>
        google.RevokeAsync(token, cancellationToken);

    private GoogleClient Required => Client ?? throw new InvalidOperationException("Gmail is not configured.");
}
