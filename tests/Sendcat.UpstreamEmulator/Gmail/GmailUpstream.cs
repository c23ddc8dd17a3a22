using System.Buffers.Text;
using System.Globalization;
using Sendcat.UpstreamEmulator.Google;
using Sendcat.UpstreamEmulator.Rest;
using Sendcat.UpstreamEmulator.Shop;

namespace Sendcat.UpstreamEmulator.Gmail;

/// <summary>
/// Emulates the API of Gmail under <c>/gmail</c>: profile, list and get of messages, history, watch and stop of the account whose access
/// token the request has.
/// </summary>
internal sealed class GmailUpstream(
    RestRequestHandler handler, GoogleGrants grants, Mailboxes mailboxes, TimeProvider clock) : IRestUpstream
{
    private const int DefaultPage = 100;
    private const int MaxPage = 500;
    private const string Scheme = "Bearer ";
    private static readonly string[] ReadScopes =
        ["https://www.googleapis.com/auth/gmail.readonly", "https://www.googleapis.com/auth/gmail.modify", "https://mail.google.com/"];

    private static readonly string[] Inbox = ["INBOX"];

    private static readonly TimeSpan WatchLife = TimeSpan.FromDays(7);

    public string Name => "gmail";

    public RestResponse Refuse(int status, string? message = null) => status switch
    {
        400 => Error(400, "badRequest", "INVALID_ARGUMENT", message ?? "Invalid argument"),
        401 => Error(401, "authError", "UNAUTHENTICATED", message ?? "Invalid Credentials"),
        403 => Error(
            403, message is "insufficientPermissions" ? message : "rateLimitExceeded", "PERMISSION_DENIED",
            message ?? "Rate Limit Exceeded"),
        404 => Error(404, "notFound", "NOT_FOUND", message ?? "Requested entity was not found."),
        429 => Error(429, "rateLimitExceeded", "RESOURCE_EXHAUSTED", message ?? "Too many concurrent requests for user."),
        _ => Error(status, "backendError", "INTERNAL", message ?? "Backend Error"),
    };

    public Task ProfileAsync(HttpContext http) => ServeAsync(http, "profile", (box, _) => RestResponse.Of(new
    {
        emailAddress = box.Account,
        messagesTotal = box.Count,
        threadsTotal = box.Count,
        historyId = Text(box.HistoryId),
    }));

    public Task ListAsync(HttpContext http) => ServeAsync(http, "list", (box, directions) =>
    {
        var query = http.Request.Query;
        try
        {
            var matches = GmailQuery.Parse(query["q"]);
            var labels = query["labelIds"];
            var found = Disturbed(
                [
                    .. box.Messages()
                        .Where(
                            message => !message.Labels.Any(label => label is "SPAM" or "TRASH")
                                && labels.All(label => message.Labels.Contains(label)) && matches(message))],
                directions, $"{box.Account} {query["q"]}");
            var (page, next) = PageOf(found, query);
            return RestResponse.Of(new
            {
                messages = page.Count == 0 ? null : page.Select(message => new { id = message.Id, threadId = message.Id }),
                nextPageToken = next,
                resultSizeEstimate = found.Count,
            });
        }
        catch (FormatException e)
        {
            return Refuse(400, e.Message);
        }
    });

    public Task GetAsync(HttpContext http, string id) => ServeAsync(http, "message", (box, _) =>
    {
        if (box.Find(id) is not { } message)
        {
            return Refuse(404);
        }

        if (mailboxes.Failing.ContainsKey(id))
        {
            return Refuse(500);
        }

        var format = http.Request.Query["format"].ToString();
        return format is not ("raw" or "minimal") ? Refuse(400, "The emulator knows the formats raw and minimal") : RestResponse.Of(new
        {
            id = message.Id,
            threadId = message.Id,
            labelIds = message.Labels,
            snippet = message.Header("Subject"),
            historyId = Text(message.HistoryId),
            internalDate = message.At.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture),
            sizeEstimate = message.Raw.Length,
            raw = format is "raw" ? Base64Url.EncodeToString(message.Raw) : null,
        });
    });

    public Task HistoryAsync(HttpContext http) => ServeAsync(http, "history", (box, directions) =>
    {
        var query = http.Request.Query;
        if (!ulong.TryParse(query["startHistoryId"], NumberStyles.None, CultureInfo.InvariantCulture, out var start))
        {
            return Refuse(400, "Invalid startHistoryId");
        }

        if (From(query) >= directions.HistoryGoneAfter || box.HistorySince(start) is not { } records)
        {
            return Refuse(404);
        }

        var until = Until(query) ?? box.HistoryId;
        var types = query["historyTypes"];
        var wanted = records.Where(
            record => record.Id <= until && (types.Count == 0 || types.Contains(record.IsRestored ? "labelAdded" : "messageAdded")));
        var (page, next) = PageOf(Disturbed([.. wanted], directions, $"{box.Account} {start}"), query);
        next = next is null ? null : $"{next}.{Text(until)}";
        next = directions.RepeatPage && From(query) > 0 ? query["pageToken"].ToString() : next;
        return RestResponse.Of(new
        {
            history = page.Count == 0 ? null : page.Select(record =>
            {
                var message = new { id = record.Message.Id, threadId = record.Message.Id, labelIds = record.Message.Labels };
                return new
                {
                    id = Text(record.Id),
                    messages = new[] { new { message.id, message.threadId } },
                    messagesAdded = record.IsRestored ? null : new[] { new { message } },
                    labelsAdded = record.IsRestored ? new[] { new { message, labelIds = Inbox } } : null,
                };
            }),
            nextPageToken = next,
            historyId = Text(box.HistoryId),
        });
    });

    public async Task WatchAsync(HttpContext http)
    {
        var body = await http.Request.ReadFromJsonAsync<WatchRequest>(http.RequestAborted);
        await ServeAsync(http, "watch", (box, _) =>
        {
            if (body?.TopicName is not { Length: > 0 } topic || !topic.StartsWith("projects/", StringComparison.Ordinal))
            {
                return Refuse(400, "Invalid topicName");
            }

            var until = clock.GetUtcNow() + WatchLife;
            box.StartWatch(new(topic, until));
            var expiration = until.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
            return RestResponse.Of(new { historyId = Text(box.HistoryId), expiration });
        });
    }

    public Task StopAsync(HttpContext http) => ServeAsync(http, "stop", (box, _) =>
    {
        box.StopWatch();
        return new(204, "");
    });

    private Task ServeAsync(HttpContext http, string route, Func<Mailbox, RestDirections, RestResponse> answer)
    {
        var header = http.Request.Headers.Authorization.ToString();
        var consent = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? grants.OfAccess(header[Scheme.Length..]) : null;
        var refusal = consent is null ? Refuse(401)
            : !consent.Scope.Split(' ').Intersect(ReadScopes).Any() ? Refuse(403, "insufficientPermissions")
            : null;
        var request = new RestRequest(
            route, $"{consent?.Account} {http.Request.Path} {http.Request.QueryString}", refusal,
            (_, directions) => answer(mailboxes.Of(consent!.Account), directions));
        return handler.ServeAsync(http, this, request);
    }

    /// <summary>
    /// In another order, and with repetitions, if the directions say so. The same seed gives the same list, so that pages fit together.
    /// </summary>
    private static IReadOnlyList<T> Disturbed<T>(IReadOnlyList<T> list, RestDirections directions, string seed)
    {
        var all = list.ToList();
        for (var copy = 0; copy < directions.Duplicates; copy++)
        {
            all.AddRange(list);
        }

        if (!directions.Shuffle)
        {
            return all;
        }

        var random = new SeededRandom(seed);
        for (var at = all.Count - 1; at > 0; at--)
        {
            var other = random.Below(at + 1);
            (all[at], all[other]) = (all[other], all[at]);
        }

        return all;
    }

    private static (IReadOnlyList<T> Page, string? Next) PageOf<T>(IReadOnlyList<T> all, IQueryCollection query)
    {
        var size = int.TryParse(query["maxResults"], NumberStyles.None, CultureInfo.InvariantCulture, out var wanted)
            ? Math.Clamp(wanted, 1, MaxPage)
            : DefaultPage;
        var from = From(query);
        return ([.. all.Skip(from).Take(size)], from + size < all.Count ? (from + size).ToString(CultureInfo.InvariantCulture) : null);
    }

    private static int From(IQueryCollection query) =>
        int.TryParse(query["pageToken"].ToString().Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var token)
            ? token
            : 0;

    /// <summary>The history id at the first page: further pages show nothing that came later.</summary>
    private static ulong? Until(IQueryCollection query) =>
        query["pageToken"].ToString().Split('.') is [_, var until]
            && ulong.TryParse(until, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? id
            : null;

    private static string Text(ulong id) => id.ToString(CultureInfo.InvariantCulture);

    private static RestResponse Error(int code, string reason, string status, string message) =>
        RestResponse.Of(new { error = new { code, message, errors = new[] { new { message, domain = "global", reason } }, status } }, code);

    private sealed record WatchRequest(string? TopicName);
}
