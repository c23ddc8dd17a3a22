using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.Integrations.Google;

namespace Sendcat.ApiService.Gmail.Pushes;

/// <summary>Decides whether a notification comes from our Pub/Sub subscription.</summary>
internal sealed class PushAuthentication(GoogleIdTokens tokens, IOptionsMonitor<GmailPushOptions> options, PublicAddress address)
{
    private const string Scheme = "Bearer ";

    /// <summary>Google signs with new keys a few times a month, so an outage of its key server may delay a notification.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    /// <returns>Null: it does. 403, always with the same text: it does not. 503: Google's keys cannot be read.</returns>
    public async ValueTask<ApiError?> RefusalAsync(HttpContext http)
    {
        var settings = options.CurrentValue;
        var (acceptsToken, acceptsOidc) = settings.Mode switch
        {
            "oidc" => (false, true),
            "token" => (true, false),
            "either" => (true, true),
            _ => (false, false),
        };
        return acceptsToken && HasToken(http, settings.VerifyToken) ? null
            : acceptsOidc ? await OidcRefusalAsync(http, settings)
            : Refused();
    }

    private async Task<ApiError?> OidcRefusalAsync(HttpContext http, GmailPushOptions settings)
    {
        var audience = settings.Audience.Length > 0 ? settings.Audience : address.Of(http, GmailPushEndpoint.Path);
        if (audience is null || settings.ServiceAccount.Length == 0 || Bearer(http) is not { } token)
        {
            return Refused();
        }

        var (identity, fault) = await tokens.ValidateAsync(token, audience, nonce: null, http.RequestAborted);
        return fault is IdTokenFault.KeysUnavailable ? ApiError.UpstreamUnavailable(RetryAfter, RefusalReason.KeysUnavailable)
            // The audience alone does not prove whose subscription it is: anybody may name it.
            : identity is { EmailVerified: true, Email: { } email }
                && string.Equals(email, settings.ServiceAccount, StringComparison.OrdinalIgnoreCase) ? null
            : Refused();
    }

    private static bool HasToken(HttpContext http, string expected)
    {
        if (expected.Length == 0)
        {
            return false;
        }

        var headers = http.Request.Headers;
        var presented = headers["x-pubsub-token"] is [{ Length: > 0 } first] ? first
            : headers["x-gmail-pubsub-token"] is [{ Length: > 0 } second] ? second
            : Bearer(http) ?? (http.Request.Query["token"] is [{ Length: > 0 } query] ? query : null);

        // Digests have one length, so that the comparison tells nothing about that of the secret.
        return presented is not null && CryptographicOperations.FixedTimeEquals(DigestOf(presented), DigestOf(expected));
    }

    private static byte[] DigestOf(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    private static string? Bearer(HttpContext http) =>
        http.Request.Headers.Authorization is [{ } header] && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && header.Length > Scheme.Length
            ? header[Scheme.Length..].Trim()
            : null;

    private static ApiError Refused() => ApiError.Forbidden("The notification is not authentic");
}
