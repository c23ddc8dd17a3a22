using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace Sendcat.ContractTests.Gmail;

/// <summary>Notifications of Gmail through Pub/Sub.</summary>
public sealed class PushTests(PostgresFixture postgres, GmailApiFixture fixture) : IClassFixture<GmailApiFixture>
{
    private readonly GmailApi _gmail = fixture.Gmail;

    [Fact]
    public async Task A_notification_reads_the_new_mail_and_its_redelivery_is_a_replay()
    {
        var ann = await _gmail.ConnectedAsync();
        _gmail.Google.Deliver(ann.Address, sample: "amazon", number: 5);

        using var first = await ann.PushAsync("10");
        using var atOnce = await ann.PushAsync("10");
        await ann.SettleAsync();
        using var afterwards = await ann.PushAsync("10");

        Assert.Equal(
            (HttpStatusCode.OK, "OK", false),
            (first.StatusCode, await first.Content.ReadAsStringAsync(), first.Headers.Contains("X-Idempotent-Replay")));
        Assert.All([atOnce, afterwards], again => Assert.Equal(
            (HttpStatusCode.OK, "1"), (again.StatusCode, Assert.Single(again.Headers.GetValues("X-Idempotent-Replay")))));
        await ann.SettleAsync();
        Assert.Equal((1, _gmail.Google.HistoryId(ann.Address)), (await ann.DraftsAsync(), (ulong)await CursorAsync(ann)));
    }

    [Theory]
    [InlineData("number", false)]
    [InlineData("text", false)]
    [InlineData("number", true)]
    public async Task History_ids_are_numbers_or_texts_and_the_data_is_Base64_of_either_alphabet(string kind, bool forUrls)
    {
        var ann = await _gmail.ConnectedAsync();
        _gmail.Google.Deliver(ann.Address, sample: "amazon", number: 6);
        var id = _gmail.Google.HistoryId(ann.Address).ToString(CultureInfo.InvariantCulture);
        var json = $$"""{"emailAddress":"{{ann.Address}}","historyId":{{(kind is "text" ? $"\"{id}\"" : id)}},"more":"~~~???"}""";
        var data = Convert.ToBase64String(Encoding.UTF8.GetBytes(json));

        using var response = await _gmail.PushAsync(
            Envelope(forUrls ? data.TrimEnd('=').Replace('+', '-').Replace('/', '_') : data), _gmail.Google.PushToken());

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await ann.SettleAsync();
        Assert.Equal(1, await ann.DraftsAsync());
    }

    [Fact]
    public async Task What_never_leads_to_work_is_acknowledged_and_stored_nowhere()
    {
        var ann = await _gmail.ConnectedAsync();
        var jobs = await JobsAsync();

        // The cursor is at this id already; nobody has connected the other mailbox.
        using var stale = await ann.PushAsync();
        using var unknown = await _gmail.PushAsync(_gmail.Google.PushEnvelope("nobody@example.com", 5_000, "1"), _gmail.Google.PushToken());
        await _gmail.Api.ExecuteAsync(
            $"INSERT INTO user_preferences (user_id, gmail_sync_enabled, auto_create_pre_alerts, whatsapp_sync_enabled, package_status_mails, updated_at) SELECT id, false, false, true, true, now() FROM users WHERE email = '{ann.Address}'");
        _gmail.Google.Deliver(ann.Address, sample: "amazon", number: 7);
        using var disabled = await ann.PushAsync();

        Assert.All([stale, unknown, disabled], response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Equal((jobs, 0), (await JobsAsync(), await ann.DraftsAsync()));
        Assert.Equal(0, await _gmail.Api.ScalarAsync<long>(
            "SELECT count(*) FROM reliability.webhook_inbox "
                + $"WHERE key IN (SELECT encode(sha256(convert_to('{ann.Address}:' || n, 'UTF8')), 'hex') "
                + "FROM generate_series(1, 5000) n)"));
    }

    [Fact]
    public async Task Notifications_of_one_mailbox_coalesce_and_come_in_any_order()
    {
        var ann = await _gmail.ConnectedAsync();
        var envelopes = new List<string>();
        for (var n = 0; n < 20; n++)
        {
            _gmail.Google.Deliver(ann.Address, sample: "amazon", number: 100 + n);
            envelopes.Add(
                _gmail.Google.PushEnvelope(ann.Address, _gmail.Google.HistoryId(ann.Address), n.ToString(CultureInfo.InvariantCulture)));
        }

        var token = _gmail.Google.PushToken();
        envelopes.Reverse();
        var responses = await Task.WhenAll(envelopes.Select(envelope => _gmail.PushAsync(envelope, token)));

        Assert.All(responses, response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        await ann.SettleAsync();
        Assert.Equal((20, "read 20"), (await ann.DraftsAsync(), await ann.MessagesAsync()));
        Assert.Equal(_gmail.Google.HistoryId(ann.Address), (ulong)await CursorAsync(ann));
        Assert.True(await _gmail.Api.ScalarAsync<long>(
            "SELECT count(*) FROM gmail_syncs s JOIN gmail_connections c ON c.id = s.connection_id "
                + $"WHERE c.normalized_email = '{ann.Address}' AND s.cause = 'push'") < 20);
    }

    [Fact]
    public async Task Keys_that_Google_rotated_are_found_without_a_restart()
    {
        await using var gmail = await GmailApi.StartAsync(postgres);
        var ann = await gmail.ConnectedAsync();
        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync()).StatusCode);

        gmail.Google.RotateGoogleKeys();

        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync()).StatusCode);
    }

    [Fact]
    public async Task Only_notifications_that_fail_authentication_are_limited()
    {
        await using var gmail = await GmailApi.StartAsync(postgres, ("RATE_LIMIT_GMAIL_PUSH_MAX", "3"));
        var envelope = gmail.Google.PushEnvelope("nobody@example.com", 5_000, "1");
        var statuses = new List<int>();
        for (var attempt = 0; attempt < 5; attempt++)
        {
            using var refused = await gmail.PushAsync(envelope, "not.a.token");
            statuses.Add((int)refused.StatusCode);
        }

        Assert.Equal([403, 403, 403, 429, 429], statuses);
        var authentic = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => gmail.PushAsync(envelope, gmail.Google.PushToken())));
        Assert.All(authentic, response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
    }

    [Theory]
    [InlineData("x-pubsub-token")]
    [InlineData("x-gmail-pubsub-token")]
    [InlineData("Authorization")]
    [InlineData("?token")]
    public async Task The_shared_token_is_accepted_where_Pub_Sub_can_send_it(string place)
    {
        using var response = await _gmail.PushAsync(_gmail.Google.PushEnvelope("nobody@example.com", 5_000, "1"), null, request =>
        {
            if (place is "?token")
            {
                request.RequestUri = new($"/api/gmail/push?token={Uri.EscapeDataString(GmailApi.VerifyToken)}", UriKind.Relative);
            }
            else
            {
                request.Headers.TryAddWithoutValidation(
                    place, place is "Authorization" ? $"Bearer {GmailApi.VerifyToken}" : GmailApi.VerifyToken);
            }
        });

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    public static TheoryData<string> Refusals => [.. BadPushes.All.Keys];

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_bad_notification_gets_its_documented_response_and_stores_and_logs_nothing(string name)
    {
        var (status, code, send) = BadPushes.All[name];
        var before = await StoredAsync();

        using var response = await send(_gmail);

        await response.RefusedAsync((HttpStatusCode)status, code);
        Assert.Equal(before, await StoredAsync());
    }

    [Fact]
    public async Task An_authentic_notification_that_cannot_be_read_is_counted()
    {
        using var deliveries = new MetricCollector<long>(null, "Sendcat.Webhooks", "sendcat.webhooks.deliveries");

        using var response = await _gmail.PushAsync("{}", _gmail.Google.PushToken());

        await response.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.Contains(
            deliveries.GetMeasurementSnapshot(),
            counted => counted.Tags["webhook"] is "gmail_push" && counted.Tags["outcome"] is "invalid_request");
    }

    [Fact]
    public async Task Neither_tokens_nor_addresses_nor_bodies_of_bad_notifications_are_logged()
    {
        var token = _gmail.Google.PushToken(claims => claims["aud"] = "https://elsewhere.example");

        using var forged = await _gmail.PushAsync(_gmail.Google.PushEnvelope("secret.person@example.com", 5_000, "1"), token);
        using var malformed = await _gmail.PushAsync("""{"message":{"data":"c2VjcmV0LnBlcnNvbg"}}""", _gmail.Google.PushToken());
        using var shared = await _gmail.PushAsync(
            "{}", null, request => request.RequestUri = new("/api/gmail/push?token=a%20wrong%20secret", UriKind.Relative));

        var text = string.Join('\n', _gmail.Logs.GetSnapshot().Select(record => record.Message + record.Exception));
        Assert.Contains("not authentic", text, StringComparison.Ordinal);
        Assert.All(
            [token.Split('.')[2], token.Split('.')[1], "secret.person", "c2VjcmV0", "wrong secret", "wrong%20secret"],
            secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
    }

    private Task<long> CursorAsync(MailUser user) =>
        _gmail.Api.ScalarAsync<long>($"SELECT history_id FROM gmail_connections WHERE normalized_email = '{user.Address}'");

    private Task<long> JobsAsync() => _gmail.Api.ScalarAsync<long>("SELECT count(*) FROM reliability.tool_jobs WHERE tool = 'mail_sync'");

    private Task<string> StoredAsync() => _gmail.Api.ScalarAsync<string>(
        "SELECT (SELECT count(*) FROM reliability.tool_jobs) || ' ' || (SELECT count(*) FROM reliability.webhook_inbox) || ' ' || "
            + "(SELECT count(*) FROM gmail_syncs)");

    private static string Envelope(string data) => $$"""{"message":{"data":"{{data}}","messageId":"1"},"subscription":"s"}""";
}
