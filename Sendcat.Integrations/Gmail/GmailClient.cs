using System.Buffers.Text;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.Integrations.Gmail;

/// <summary>
/// Requests to Gmail's API for the mailbox of an access token. All methods throw <see cref="OperationCanceledException"/> only when the
/// caller cancelled; a failure is a value.
/// </summary>
public sealed class GmailClient(Upstream upstream, IOptionsMonitor<GmailOptions> options)
{
    private const int ListPage = 100;
    private const int HistoryPage = 100;
    private const int LongestId = 64;

    /// <summary>How long a request waits for a slot when all are taken.</summary>
    private static readonly TimeSpan SlotTimeout = TimeSpan.FromSeconds(3);

    /// <param name="token">The access token.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <param name="policy">Null: <see cref="GmailProvider.Policy"/>.</param>
    public Task<UpstreamResult<GmailProfile>> ProfileAsync(
        string token, CancellationToken cancellationToken, UpstreamPolicy? policy = null) =>
        GetAsync(
            token, "profile", policy ?? GmailProvider.Policy,
            body => body.Text("emailAddress") is { } email && HistoryId(body) is { } history ? new GmailProfile(email, history) : null,
            cancellationToken);

    /// <summary>Lists the ids of messages, the newest first.</summary>
    /// <param name="token">The access token.</param>
    /// <param name="query">A search in Gmail's language.</param>
    /// <param name="page">The token of the page; null: the first.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    public Task<UpstreamResult<MessagePage>> ListAsync(
        string token, string query, string? page, CancellationToken cancellationToken) => GetAsync(
        token,
        string.Create(CultureInfo.InvariantCulture, $"messages?maxResults={ListPage}&q={Uri.EscapeDataString(query)}{PageToken(page)}"),
        GmailProvider.Policy,
        body => body.ValueKind is JsonValueKind.Object
            ? new MessagePage([.. body.Items("messages").Select(Id).OfType<string>()], body.Text("nextPageToken"))
            : null,
        cancellationToken);

    /// <summary>
    /// Lists what was added to the mailbox or moved into its inbox since a history id. The order is not defined, and an id may appear more
    /// than once.
    /// </summary>
    /// <param name="token">The access token.</param>
    /// <param name="since">The history id.</param>
    /// <param name="page">The token of the page; null: the first.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <returns>An error with the status 404 when the history does not go back so far.</returns>
    public Task<UpstreamResult<HistoryPage>> HistoryAsync(
        string token, long since, string? page, CancellationToken cancellationToken) => GetAsync(
        token,
        string.Create(
            CultureInfo.InvariantCulture,
            $"history?startHistoryId={since}&historyTypes=messageAdded&historyTypes=labelAdded&maxResults={HistoryPage}{PageToken(page)}"),
        GmailProvider.Policy,
        body => HistoryId(body) is { } until
            ? new HistoryPage(
                Ids(body.Items("history").SelectMany(record => record.Items("messagesAdded"))),
                Ids(body.Items("history").SelectMany(record => record.Items("labelsAdded")).Where(added => HasLabel(added, Inbox))),
                until, body.Text("nextPageToken"))
            : null,
        cancellationToken);

    /// <summary>Reads a whole message.</summary>
    /// <param name="token">The access token.</param>
    /// <param name="id">The id of the message.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <returns>An error with the status 404 for a message that was deleted meanwhile.</returns>
    public Task<UpstreamResult<GmailMessage>> ReadAsync(string token, string id, CancellationToken cancellationToken) =>
        GetAsync(
            token, $"messages/{Uri.EscapeDataString(id)}?format=raw", GmailProvider.MessagePolicy, body => Message(id, body),
            cancellationToken);

    /// <summary>Lets Gmail publish changes of the mailbox for seven days.</summary>
    public Task<UpstreamResult<GmailWatch>> WatchAsync(string token, CancellationToken cancellationToken) => SendAsync(
        token, "watch", GmailProvider.Policy, HttpMethod.Post,
        () => JsonContent.Create(
            new { topicName = options.CurrentValue.Topic, labelIds = Inbox, labelFilterBehavior = "include" }),
        body => long.TryParse(body.Text("expiration"), NumberStyles.None, CultureInfo.InvariantCulture, out var until)
            && until < MaxUnixMilliseconds
            ? new GmailWatch(DateTimeOffset.FromUnixTimeMilliseconds(until))
            : null,
        cancellationToken);

    /// <summary>Ends the watch of the mailbox.</summary>
    public Task<UpstreamResult<GmailDone>> StopAsync(string token, CancellationToken cancellationToken) =>
        SendAsync(token, "stop", GmailProvider.Policy, HttpMethod.Post, () => null, _ => GmailDone.Value, cancellationToken);

    private const long MaxUnixMilliseconds = 253_402_300_799_999;

    /// <summary>Messages that the user wrote or threw away. They announce nothing.</summary>
    private static readonly string[] IgnoredLabels = ["DRAFT", "SENT", "SPAM", "TRASH", "CHAT"];

    private static readonly string[] Inbox = ["INBOX"];

    private static bool HasIgnoredLabel(JsonElement message) => HasLabel(message, IgnoredLabels);

    private static bool HasLabel(JsonElement record, string[] labels) =>
        record.Items("labelIds").Any(label => label.ValueKind is JsonValueKind.String && labels.Contains(label.GetString()));

    private static IReadOnlyList<string> Ids(IEnumerable<JsonElement> records) =>
    [
        .. records.Select(record => record.Part("message")).OfType<JsonElement>()
            .Where(message => !HasIgnoredLabel(message)).Select(Id).OfType<string>().Distinct(StringComparer.Ordinal),
    ];

    private static GmailMessage? Message(string id, JsonElement body)
    {
        if (body.Part("raw") is not { ValueKind: JsonValueKind.String } raw)
        {
            return null;
        }

        // Not as a string: a mail of 25 MB would have one of 70 MB. JSON may write the padding as an escape.
        var text = JsonMarshal.GetRawUtf8Value(raw)[1..^1];
        text = text.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(LenientJsonString.Read(raw)) : text;
        var bytes = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        if (Base64Url.DecodeFromUtf8(text, bytes, out _, out var length) is not System.Buffers.OperationStatus.Done)
        {
            return null;
        }

        var at = long.TryParse(body.Text("internalDate"), NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds < MaxUnixMilliseconds
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : (DateTimeOffset?)null;
        return new(id, bytes.AsMemory(0, length), at, HasIgnoredLabel(body));
    }

    /// <summary>An id is part of a path and a key in Postgres.</summary>
    private static string? Id(JsonElement message) =>
        message.Text("id") is { Length: <= LongestId } id && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') ? id : null;

    private static long? HistoryId(JsonElement body) =>
        long.TryParse(body.Text("historyId"), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;

    private static string PageToken(string? page) => page is null ? "" : $"&pageToken={Uri.EscapeDataString(page)}";

    private Task<UpstreamResult<T>> GetAsync<T>(
        string token, string path, UpstreamPolicy policy, Func<JsonElement, T?> read, CancellationToken cancellationToken)
        where T : class => SendAsync(token, path, policy, HttpMethod.Get, () => null, read, cancellationToken);

    private Task<UpstreamResult<T>> SendAsync<T>(
        string token, string path, UpstreamPolicy policy, HttpMethod method, Func<HttpContent?> content, Func<JsonElement, T?> read,
        CancellationToken cancellationToken)
        where T : class
    {
        var address = $"{options.CurrentValue.BaseUrl.TrimEnd('/')}/gmail/v1/users/me/{path}";
        return upstream.RequestAsync(
            policy with { SlotTimeout = SlotTimeout },
            () => new HttpRequestMessage(
                method, address) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) }, Content = content() },
            read,
            cancellationToken);
    }
}

/// <param name="Email">The address of the mailbox.</param>
/// <param name="HistoryId">Its present history id.</param>
public sealed record GmailProfile(string Email, long HistoryId);

/// <param name="Ids">The ids of the messages.</param>
/// <param name="Next">The token of the next page; null: this is the last.</param>
public sealed record MessagePage(IReadOnlyList<string> Ids, string? Next);

/// <param name="Added">The ids of the added messages.</param>
/// <param name="Restored">The ids of messages that were moved into the inbox, for instance from spam.</param>
/// <param name="Until">The present history id of the mailbox.</param>
/// <param name="Next">The token of the next page; null: this is the last.</param>
public sealed record HistoryPage(IReadOnlyList<string> Added, IReadOnlyList<string> Restored, long Until, string? Next);

/// <param name="Id">The id of the message.</param>
/// <param name="Raw">The mail (RFC 5322).</param>
/// <param name="ReceivedAt">When Gmail got it; null: not known.</param>
/// <param name="IsIgnored">True for drafts, sent mails, spam and deleted mails.</param>
public sealed record GmailMessage(string Id, ReadOnlyMemory<byte> Raw, DateTimeOffset? ReceivedAt, bool IsIgnored);

/// <param name="Until">When the watch ends.</param>
public sealed record GmailWatch(DateTimeOffset Until);

/// <summary>A request without a result.</summary>
public sealed record GmailDone
{
    public static readonly GmailDone Value = new();
}
