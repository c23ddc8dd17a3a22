namespace Sendcat.ApiService.Identity.Google;

/// <summary>
/// The cookie that binds a flow to the browser that started it. Nobody can make another browser finish a flow of theirs. All flows of a
/// browser share it, so two tabs do not disturb each other.
/// </summary>
internal static class GoogleBrowser
{
    private const int Length = 43;

    /// <summary>Lax: the callback is a navigation that Google's page causes.</summary>
    private static readonly BrowserCookie Cookie = new("google", "/", SameSiteMode.Lax);

    /// <returns>The digest of the browser's cookie; null: it has none.</returns>
    public static string? DigestOf(HttpContext http) => Value(http) is { } value ? GoogleFlows.DigestOf(value) : null;

    /// <summary>Sets the cookie, or prolongs the one that the browser has.</summary>
    /// <returns>The digest of the cookie.</returns>
    public static string Bind(HttpContext http)
    {
        var value = Value(http) ?? GoogleFlows.NewSecret();
        Cookie.Set(http, value, GoogleFlows.FlowLifetime + GoogleFlows.ProofLifetime);
        return GoogleFlows.DigestOf(value);
    }

    private static string? Value(HttpContext http) => Cookie.Read(http) is { Length: Length } value ? value : null;
}
