using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;

namespace Sendcat.ContractTests.Gmail;

/// <summary>How the worker reads a connected mailbox.</summary>
public sealed class MailboxSyncTests(PostgresFixture postgres, GmailApiFixture fixture) : IClassFixture<GmailApiFixture>
{
    private readonly GmailApi _gmail = fixture.Gmail;

    [Theory]
    [InlineData(Gone.Never)]
    [InlineData(Gone.BeforeTheFirstPage)]
    [InlineData(Gone.BehindTheFourthPage)]
    public async Task A_thousand_records_in_any_order_with_duplicates_or_beyond_the_history_are_read_exactly_once(Gone gone)
    {
        const int Mails = 1_000;
        await using var gmail = await GmailApi.StartAsync(postgres, ("GMAIL_SYNC_PARALLEL", "16"));
        gmail.Google.DirectRest("[[emu at=gmail/history shuffle duplicates=1]] [[emu at=gmail/list shuffle duplicates=1]]");
        var ann = await gmail.ConnectedAsync();
        for (var n = 0; n < Mails; n++)
        {
            gmail.Google.Deliver(ann.Address, Note(n));
        }

        if (gone is Gone.BeforeTheFirstPage)
        {
            gmail.Google.ForgetHistory(ann.Address);
        }
        else if (gone is Gone.BehindTheFourthPage)
        {
            gmail.Google.DirectRest("[[emu at=gmail/history history-gone=400]]");
        }

        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync()).StatusCode);
        await gmail.UntilAsync($"SELECT count(*) >= {Mails} FROM evidence");
        await ann.SettleAsync();

        Assert.Equal(((long)Mails, $"read {Mails}"), (await ann.EvidenceAsync(), await ann.MessagesAsync()));
        var reads = gmail.Google.Stats.Snapshot().Of("gmail", "message");
        Assert.Equal((Mails, Mails), (reads.Started, reads.Completed));
        var sync = (await ann.StatusAsync())!["sync"]!;
        Assert.Equal(
            (gone is Gone.Never ? "incremental" : "full", "completed", Mails),
            ((string)sync["kind"]!, (string)sync["state"]!, (int)sync["processed"]!));
        Assert.Equal(
            gmail.Google.HistoryId(ann.Address), (ulong)await gmail.Api.ScalarAsync<long>("SELECT history_id FROM gmail_connections"));
    }

    /// <summary>When Gmail forgets the history.</summary>
    public enum Gone
    {
        Never,
        BeforeTheFirstPage,
        BehindTheFourthPage,
    }

    [Fact]
    public async Task A_page_of_the_history_that_names_itself_as_the_next_one_ends_the_attempt_and_loses_nothing()
    {
        const int Mails = 150;
        await using var gmail = await GmailApi.StartAsync(postgres, ("MAIL_SYNC_MAX_ATTEMPTS", "2"));
        var ann = await gmail.ConnectedAsync();
        for (var n = 0; n < Mails; n++)
        {
            gmail.Google.Deliver(ann.Address, Note(n));
        }

        gmail.Google.DirectRest("[[emu at=gmail/history repeat-page duplicates=1]]");
        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync()).StatusCode);
        await ann.SettleAsync();
        var pages = gmail.Google.Stats.Snapshot().Of("gmail", "history").Started;
        gmail.Google.ClearRestDirections();
        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync("2")).StatusCode);
        await ann.SettleAsync();

        Assert.InRange(pages, 3, 4);
        Assert.Equal(((long)Mails, $"read {Mails}"), (await ann.EvidenceAsync(), await ann.MessagesAsync()));
    }

    /// <summary>Fails the fifth and the eleventh write of the sync: the recording of a mail, and its end.</summary>
    private const string RefusedWrites = """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('statements') IN (5, 11) THEN
                RAISE EXCEPTION 'sorry, too many clients already' USING ERRCODE = '53300';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON evidence FOR EACH ROW EXECUTE FUNCTION refuse();
        CREATE TRIGGER refuse BEFORE UPDATE ON gmail_messages FOR EACH ROW EXECUTE FUNCTION refuse();
        """;

    /// <summary>Fails the third and the fourth read of evidence.</summary>
    private const string RefusedReads = """
        CREATE FUNCTION refuse() RETURNS boolean STABLE LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('statements') IN (3, 4) THEN
                RAISE EXCEPTION 'sorry, too many clients already' USING ERRCODE = '53300';
            END IF;
            RETURN true;
        END $$;
        ALTER TABLE evidence RENAME TO evidence_rows;
        CREATE VIEW evidence AS SELECT * FROM evidence_rows WHERE refuse();
        """;

    [Theory]
    [InlineData(RefusedWrites)]
    [InlineData(RefusedReads)]
    public async Task A_mail_is_not_fetched_again_because_Postgres_refuses_statements_for_a_moment(string faults)
    {
        const int Mails = 80;
        await using var gmail = await GmailApi.StartAsync(postgres, ("GMAIL_SYNC_PARALLEL", "16"));
        var ann = await gmail.ConnectedAsync();
        for (var n = 0; n < Mails; n++)
        {
            gmail.Google.Deliver(ann.Address, Note(n));
        }

        await gmail.Api.ExecuteAsync($"CREATE SEQUENCE statements; {faults}");
        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync()).StatusCode);
        await ann.SettleAsync();

        Assert.Equal($"read {Mails}", await ann.MessagesAsync());
        Assert.InRange(await gmail.Api.ScalarAsync<long>("SELECT last_value FROM statements"), 5, long.MaxValue);
        var reads = gmail.Google.Stats.Snapshot().Of("gmail", "message");
        Assert.Equal((Mails, Mails), (reads.Started, reads.Completed));
        Assert.Equal((Mails, Mails), ((int)(await ann.StatusAsync())!["sync"]!["processed"]!, await ann.EvidenceAsync()));
    }

    [Fact]
    public async Task One_bad_mail_does_not_stop_a_sync()
    {
        await using var gmail = await GmailApi.StartAsync(
            postgres, ("GMAIL_MESSAGE_MAX_ATTEMPTS", "2"), ("CIRCUIT_GMAIL_THRESHOLD", "100"));
        var ann = await gmail.ConnectedAsync();
        gmail.Google.Deliver(ann.Address, sample: "amazon", number: 1);
        var bad = gmail.Google.Deliver(ann.Address, sample: "amazon", number: 2);
        var gone = gmail.Google.Deliver(ann.Address, sample: "amazon", number: 3);
        gmail.Google.Deliver(ann.Address, Encoding.ASCII.GetBytes("\0\0\0 this is no mail"));
        gmail.Google.Deliver(ann.Address, sample: "amazon", number: 4);
        gmail.Google.DeleteMail(ann.Address, gone);
        gmail.Google.FailMail(bad);

        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync()).StatusCode);
        await ann.SettleAsync();

        Assert.Equal((2, "failed 1, ignored 1, read 3"), (await ann.DraftsAsync(), await ann.MessagesAsync()));
        var sync = (await ann.StatusAsync())!["sync"]!;
        Assert.Equal(
            ("completed", 3, 1, 1), ((string)sync["state"]!, (int)sync["processed"]!, (int)sync["ignored"]!, (int)sync["failed"]!));
    }

    [Fact]
    public async Task An_expired_access_token_is_refreshed_in_the_middle_of_a_sync()
    {
        var ann = await _gmail.ConnectedAsync();
        _gmail.Google.Deliver(ann.Address, sample: "amazon", number: 21);
        _gmail.Google.ExpireAccessTokens();

        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync()).StatusCode);
        await ann.SettleAsync();

        Assert.Equal((1, "active"), (await ann.DraftsAsync(), (string)(await ann.StatusAsync())!["status"]!));
    }

    [Fact]
    public async Task A_mailbox_whose_reading_is_switched_off_is_not_read()
    {
        var ann = await _gmail.ConnectedAsync();
        var before = (await ann.StatusAsync())!;
        await _gmail.Api.ExecuteAsync(
            $"INSERT INTO user_preferences (user_id, gmail_sync_enabled, auto_create_pre_alerts, whatsapp_sync_enabled, package_status_mails, updated_at) SELECT id, false, false, true, true, now() FROM users WHERE email = '{ann.Address}'");
        _gmail.Google.Deliver(ann.Address, sample: "amazon", number: 22);

        using var response = await ann.Client.PostAsync("/api/gmail/sync", null);
        var id = (string)(await response.JsonAsync())["id"]!;
        await ann.SettleAsync();

        var progress = await (await ann.Client.GetAsync($"/api/gmail/sync/{id}")).JsonAsync();
        Assert.Equal(("completed", 0, 0), ((string)progress["state"]!, (int)progress["processed"]!, await ann.DraftsAsync()));
        Assert.Equal((string)before["lastSyncAt"]!, (string)(await ann.StatusAsync())!["lastSyncAt"]!);
    }

    [Fact]
    public async Task A_mailbox_waits_for_the_sync_of_another_worker_and_not_for_that_of_a_killed_one()
    {
        await using var gmail = await GmailApi.StartAsync(postgres);
        var ann = await gmail.ConnectedAsync();
        await gmail.Api.ExecuteAsync(
            """
            UPDATE gmail_connections SET sync_token = sync_token + 1, sync_lease_until = now() + INTERVAL '1 hour';
            INSERT INTO reliability.tool_jobs (id, tool, qos_class, principal, args, status, attempts, max_attempts, token, lease_owner,
                lease_expires_at, available_at, fair_at, announced_at, created_at, updated_at)
            SELECT gen_random_uuid(), 'mail_sync', 'background', 'gmail:' || id, '{}', 'running', 1, 10, 1, 'another', now() + INTERVAL '1 hour',
                now(), now(), now(), now(), now() FROM gmail_connections
            """);
        gmail.Google.Deliver(ann.Address, sample: "amazon", number: 31);

        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync()).StatusCode);
        await gmail.UntilAsync(
            "SELECT EXISTS (SELECT FROM reliability.tool_jobs WHERE principal LIKE 'gmail-push:%' AND status = 'queued' AND token > 0)");
        var whileOtherRuns = await ann.EvidenceAsync();
        await gmail.Api.ExecuteAsync("UPDATE reliability.tool_jobs SET lease_expires_at = now() WHERE lease_owner = 'another'");
        await gmail.UntilAsync("SELECT count(*) = 1 FROM evidence");

        Assert.Equal(0, whileOtherRuns);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_mailbox_that_goes_while_it_is_read_leaves_nothing_and_its_consent_is_revoked(bool withTheAccount)
    {
        const int Mails = 40;
        await using var gmail = await GmailApi.StartAsync(postgres);
        var ann = await gmail.ConnectedAsync();
        for (var n = 0; n < Mails; n++)
        {
            gmail.Google.Deliver(ann.Address, sample: "amazon", number: 500 + n);
        }

        gmail.Google.DirectRest("[[emu at=gmail/message headers=300ms]]");
        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync()).StatusCode);
        await gmail.UntilAsync("SELECT count(*) > 0 FROM evidence");
        using var response = withTheAccount
            ? await ann.Client.PostAsJsonAsync("/api/auth/delete-account", new { password = "correct horse 1" })
            : await ann.Client.DeleteAsync("/api/gmail");
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        await gmail.UntilAsync(
            "SELECT NOT EXISTS (SELECT FROM reliability.tool_jobs WHERE tool = 'mail_sync' AND status IN ('queued', 'running'))");

        Assert.Equal(
            "0 0 0 0",
            await gmail.Api.ScalarAsync<string>(
                """
                SELECT concat_ws(' ', (SELECT count(*) FROM gmail_connections), (SELECT count(*) FROM gmail_syncs),
                    (SELECT count(*) FROM gmail_messages), (SELECT count(*) FROM reliability.tool_jobs WHERE status = 'failed'))
                """));
        Assert.Equal((0, null), (gmail.Google.Consents(ann.Address), gmail.Google.WatchedUntil(ann.Address)));
        Assert.InRange(gmail.Google.Stats.Snapshot().Of("gmail", "message").Started, 1, Mails - 1);
        await gmail.UntilAsync(
            withTheAccount ? "SELECT count(*) = 0 FROM evidence" : $"SELECT count(*) BETWEEN 1 AND {Mails - 1} FROM evidence");
    }

    [Fact]
    public async Task Syncs_of_one_mailbox_at_the_same_time_read_each_mail_once()
    {
        var ann = await _gmail.ConnectedAsync();
        for (var n = 0; n < 30; n++)
        {
            _gmail.Google.Deliver(ann.Address, sample: "amazon", number: 300 + n);
        }

        var responses = await Task.WhenAll(
            ann.PushAsync("1"), ann.Client.PostAsync("/api/gmail/sync", null), ann.PushAsync("2"),
            ann.Client.PostAsync("/api/gmail/sync", null));

        Assert.All(responses, response => Assert.True(response.IsSuccessStatusCode));
        await ann.SettleAsync();
        Assert.Equal((30, 30, "read 30"), (await ann.DraftsAsync(), await ann.EvidenceAsync(), await ann.MessagesAsync()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(41)]
    public async Task An_order_and_its_shipment_become_one_draft_with_a_pre_alert_when_the_user_wants_it(int number)
    {
        var ann = await _gmail.ConnectedAsync();
        await _gmail.Api.ExecuteAsync(
            $"INSERT INTO user_preferences (user_id, gmail_sync_enabled, auto_create_pre_alerts, whatsapp_sync_enabled, package_status_mails, updated_at) SELECT id, true, true, true, true, now() FROM users WHERE email = '{ann.Address}'");
        _gmail.Google.Deliver(ann.Address, sample: "amazon", number: number);
        _gmail.Google.Deliver(ann.Address, sample: "amazon-shipped", number: number);

        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync()).StatusCode);
        await ann.SettleAsync();

        Assert.Equal((1, 2), (await ann.DraftsAsync(), await ann.EvidenceAsync()));
        var sync = (await ann.StatusAsync())!["sync"]!;
        Assert.Equal(
            (1, 1, 1, 0), ((int)sync["draftsCreated"]!, (int)sync["draftsUpdated"]!, (int)sync["preAlerts"]!, (int)sync["modelCalls"]!));
    }

    /// <summary>A mail about no order, which costs no model call.</summary>
    private static byte[] Note(int number) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"From: Gran <gran@example.com>\r\nTo: ann@example.com\r\nSubject: Sunday {number}\r\nMessage-ID: <{number}@example.com>\r\n\r\nSee you on Sunday.\r\n"));
}
