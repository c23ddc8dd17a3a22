using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Google;

/// <summary>Addresses of Google's OAuth endpoints and the credentials of this application there.</summary>
public sealed class GoogleOptions
{
    private const string Accounts = "https://accounts.google.com";

    /// <summary>Client id of this application at Google. Empty: sign-in with Google is off.</summary>
    [Knob("GOOGLE_CLIENT_ID")]
    public string ClientId { get; set; } = "";

    /// <summary>Client secret of this application at Google.</summary>
    [Knob("GOOGLE_CLIENT_SECRET", Secret = true)]
    public string ClientSecret { get; set; } = "";

    /// <summary>
    /// Base URL of Google's OAuth endpoints: <c>/o/oauth2/v2/auth</c>, <c>/token</c> and <c>/revoke</c> below it. With the default, tokens come
    /// from <c>https://oauth2.googleapis.com</c>, as Google separates the two.
    /// </summary>
    [Knob("GOOGLE_OAUTH_BASE_URL", StartUpOnly = true), HttpUrl]
    public string OAuthBaseUrl { get; set; } = Accounts;

    /// <summary>Address of the keys that sign Google's tokens (JWKS).</summary>
    [Knob("GOOGLE_JWKS_URL", StartUpOnly = true), HttpUrl]
    public string JwksUrl { get; set; } = "https://www.googleapis.com/oauth2/v3/certs";

    public bool IsConfigured => ClientId.Length > 0 && ClientSecret.Length > 0;

    internal string AuthorizationUrl => $"{Base}/o/oauth2/v2/auth";

    internal string TokenUrl => Base == Accounts ? "https://oauth2.googleapis.com/token" : $"{Base}/token";

    internal string RevokeUrl => Base == Accounts ? "https://oauth2.googleapis.com/revoke" : $"{Base}/revoke";

    private string Base => OAuthBaseUrl.TrimEnd('/');
}
