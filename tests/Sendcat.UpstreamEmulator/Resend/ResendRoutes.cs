namespace Sendcat.UpstreamEmulator.Resend;

internal static class ResendRoutes
{
    public static IServiceCollection AddResend(this IServiceCollection services) =>
        services.AddSingleton<MailBox>().AddSingleton<ResendUpstream>();

    /// <summary>
    /// Maps the API of Resend and the mails: <c>GET /mail</c> and <c>GET /mail/{id}</c> return a page for a browser, else JSON; <c>DELETE
    /// /mail</c> removes all mails and their keys.
    /// </summary>
    public static void MapResend(this WebApplication app)
    {
        var (resend, box) = (app.Services.GetRequiredService<ResendUpstream>(), app.Services.GetRequiredService<MailBox>());
        app.MapPost("/resend/emails", resend.ServeAsync);
        app.MapGet("/mail", (HttpContext http, string? to) =>
        {
            var mails = box.Mails.Where(mail => to is null || mail.To.Contains(to, StringComparer.OrdinalIgnoreCase)).ToArray();
            return WantsPage(http) ? Page(http, MailPages.List(mails)) : Results.Json(new { items = mails });
        });
        app.MapGet("/mail/{id}", (HttpContext http, string id) =>
            box.Find(id) is not { } mail ? Results.NotFound() : WantsPage(http) ? Page(http, MailPages.Message(mail)) : Results.Json(mail));
        app.MapDelete("/mail", () =>
        {
            box.Clear();
            return Results.NoContent();
        });
    }

    private static bool WantsPage(HttpContext http) =>
        http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    /// <summary>A link in a mail is a secret of its recipient, so the page is not cached and sends no referrer.</summary>
    private static IResult Page(HttpContext http, string html)
    {
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = MailPages.ContentSecurityPolicy;
        headers["Referrer-Policy"] = "no-referrer";
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        return Results.Content(html, "text/html; charset=utf-8");
    }
}
