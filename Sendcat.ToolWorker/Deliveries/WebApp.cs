namespace Sendcat.ToolWorker.Deliveries;

/// <summary>
/// The web app, to which links in mails point. Its base URL is the setting <c>APP_URL</c>, which the API sends to model providers as well.
/// </summary>
internal sealed class WebApp(IConfiguration configuration)
{
    private readonly string _url = (configuration["APP_URL"] is { Length: > 0 } url ? url : "http://localhost:3000").TrimEnd('/');

    /// <summary>The URL of a page of the web app; <c>#</c> when <c>APP_URL</c> is no http or https URL.</summary>
    public string LinkTo(string page) =>
        Uri.TryCreate(_url, UriKind.Absolute, out var app) && (app.Scheme is "http" or "https") ? $"{_url}/{page}" : "#";
}
