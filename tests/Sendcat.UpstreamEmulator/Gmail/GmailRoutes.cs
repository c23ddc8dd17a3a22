using System.Globalization;
using Sendcat.UpstreamEmulator.Google;

namespace Sendcat.UpstreamEmulator.Gmail;

internal static class GmailRoutes
{
    private const int MaxMails = 10_000;
    private static readonly string[] Inbox = ["INBOX"];

    public static IServiceCollection AddGmail(this IServiceCollection services) =>
        services.AddSingleton<Mailboxes>().AddSingleton<PubSubPush>().AddSingleton<GmailUpstream>();

    /// <summary>
    /// Maps the API of Gmail under <c>/gmail</c>, and what people and tests do to the mailboxes under <c>/gmail/emulator</c>.
    /// </summary>
    public static void MapGmail(this WebApplication app)
    {
        var gmail = app.Services.GetRequiredService<GmailUpstream>();
        var me = app.MapGroup("/gmail/gmail/v1/users/me");
        me.MapGet("/profile", gmail.ProfileAsync);
        me.MapGet("/messages", gmail.ListAsync);
        me.MapGet("/messages/{id}", gmail.GetAsync);
        me.MapGet("/history", gmail.HistoryAsync);
        me.MapPost("/watch", gmail.WatchAsync);
        me.MapPost("/stop", gmail.StopAsync);

        var emulator = app.MapGroup("/gmail/emulator");
        emulator.MapGet("/mailboxes", (Mailboxes boxes, GoogleGrants grants) => Results.Json(new
        {
            items = boxes.All.Select(box => new
            {
                account = box.Account,
                messages = box.Count,
                historyId = box.HistoryId,
                watch = box.Watch,
                consents = grants.CountOf(box.Account),
            }),
        }));
        emulator.MapPost("/deliver", DeliverAsync);
        emulator.MapPost("/push", PushAsync);
        emulator.MapPost("/forget-history", (Mailboxes boxes, string account) => Done(() => boxes.Of(account).ForgetHistory()));
        emulator.MapPost(
            "/revoke", (GoogleGrants grants, string account) => Done(() => grants.RevokeAccount(account.Trim().ToLowerInvariant())));
        emulator.MapPost("/expire-tokens", (GoogleGrants grants) => Done(grants.ExpireAccess));
    }

    /// <summary>
    /// Puts mails into a mailbox: the body (a raw mail), or a sample of a merchant. A watched mailbox then pushes one notification.
    /// </summary>
    private static async Task<IResult> DeliverAsync(
        HttpContext http, Mailboxes boxes, PubSubPush pubSub, TimeProvider clock, string to, string? sample, string? domain, int? number,
        int? count, int? daysAgo, bool? push)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        var box = boxes.Of(to);
        var first = number ?? box.Count + 1;
        var ids = new List<string>();
        for (var i = 0; i < Math.Clamp(count ?? 1, 1, MaxMails); i++)
        {
            var at = clock.GetUtcNow() - TimeSpan.FromDays(daysAgo ?? 0);
            var raw = body.Length == 0 ? SampleMails.Compose(sample ?? "amazon", box.Account, first + i, at)
                : domain is { Length: > 0 } ? SampleMails.Authenticated(body.ToArray(), domain)
                : body.ToArray();
            if (raw is null)
            {
                return Results.Text(
                    $"sample must be one of {string.Join(", ", SampleMails.Names)}", statusCode: StatusCodes.Status400BadRequest);
            }

            ids.Add(box.Deliver(raw, at, Inbox).Id);
        }

        var pushed = push ?? box.Watch is { } watch && clock.GetUtcNow() < watch.Until
            ? await pubSub.SendAsync(box.Account, box.HistoryId, null, http.RequestAborted)
            : null;
        return Results.Json(new { messages = ids.Count, first = ids[0], historyId = box.HistoryId, push = pushed });
    }

    /// <summary>Pushes a notification about a mailbox, or repeats one: <c>messageId</c> and <c>historyId</c> of the earlier one.</summary>
    private static async Task<IResult> PushAsync(
        HttpContext http, Mailboxes boxes, PubSubPush pubSub, string to, string? historyId, string? messageId)
    {
        var id = ulong.TryParse(historyId, NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : boxes.Of(to).HistoryId;
        return await pubSub.SendAsync(to, id, messageId, http.RequestAborted) is { } result
            ? Results.Json(result)
            : Results.Text("EMULATOR_GMAIL_PUSH_URL is not set", statusCode: StatusCodes.Status409Conflict);
    }

    private static IResult Done(Action action)
    {
        action();
        return Results.NoContent();
    }
}
