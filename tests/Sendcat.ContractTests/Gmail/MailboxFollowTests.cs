using System.Net;
using System.Text;

namespace Sendcat.ContractTests.Gmail;

/// <summary>Mails that arrive, or come back, while or after the mailbox is read.</summary>
public sealed class MailboxFollowTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_new_mail_is_read_at_once_while_another_one_waits_for_its_next_attempt(bool closesGap)
    {
        await using var gmail = await GmailApi.StartAsync(postgres, ("GMAIL_MESSAGE_RETRY_BASE_MS", "600000"));
        var ann = await gmail.ConnectedAsync();
        if (closesGap)
        {
            gmail.Google.ForgetHistory(ann.Address);
        }

        gmail.Google.FailMail(gmail.Google.Deliver(ann.Address, sample: "amazon", number: 1));
        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync()).StatusCode);
        await gmail.UntilAsync(GmailApi.SomeSyncWaits);
        gmail.Google.Deliver(ann.Address, sample: "amazon", number: 2);
        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync("2")).StatusCode);

        await gmail.UntilAsync("SELECT count(*) = 1 FROM evidence");
        await gmail.UntilAsync(GmailApi.SomeSyncWaits);
        Assert.Equal("pending 1, read 1", await ann.MessagesAsync());
        Assert.Equal(
            (gmail.Google.HistoryId(ann.Address), 1L),
            (
                (ulong)await gmail.Api.ScalarAsync<long>("SELECT history_id FROM gmail_connections"),
                await gmail.Api.ScalarAsync<long>("SELECT count(*) FROM gmail_syncs WHERE cause = 'push'")));
    }

    [Fact]
    public async Task A_mail_that_arrives_between_two_pages_of_the_history_is_read()
    {
        const int Mails = 500;
        await using var gmail = await GmailApi.StartAsync(postgres, ("GMAIL_SYNC_PARALLEL", "16"));
        var ann = await gmail.ConnectedAsync();
        for (var n = 0; n < Mails; n++)
        {
            gmail.Google.Deliver(ann.Address, Encoding.UTF8.GetBytes($"From: gran@example.com\r\nSubject: Sunday {n}\r\n\r\nSee you.\r\n"));
        }

        gmail.Google.DirectRest("[[emu at=gmail/history headers=300ms]]");
        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync()).StatusCode);
        await gmail.UntilAsync("SELECT count(*) > 0 FROM gmail_messages");
        gmail.Google.Deliver(ann.Address, sample: "amazon", number: 7);
        await ann.SettleAsync();

        Assert.Equal((Mails + 1, 1), (await ann.EvidenceAsync(), await ann.DraftsAsync()));
        Assert.Equal(
            gmail.Google.HistoryId(ann.Address), (ulong)await gmail.Api.ScalarAsync<long>("SELECT history_id FROM gmail_connections"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_mail_that_the_user_takes_out_of_spam_is_read(bool wasFetched)
    {
        await using var gmail = await GmailApi.StartAsync(postgres);
        var ann = await gmail.ConnectedAsync();
        var spam = gmail.Google.Deliver(ann.Address, sample: "amazon", number: 8, label: "SPAM");
        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync()).StatusCode);
        await ann.SettleAsync();
        Assert.Equal("", await ann.MessagesAsync());
        if (wasFetched)
        {
            await gmail.Api.ExecuteAsync(
                $"""
                INSERT INTO gmail_messages (connection_id, message_id, sync_id, state, attempts, available_at, listed_at, settled_at)
                SELECT id, '{spam}', gen_random_uuid(), 'ignored', 1, now(), now(), now() FROM gmail_connections
                """);
        }

        gmail.Google.RestoreMail(ann.Address, spam);
        Assert.Equal(HttpStatusCode.OK, (await ann.PushAsync("2")).StatusCode);
        await ann.SettleAsync();

        Assert.Equal((1, "read 1"), (await ann.DraftsAsync(), await ann.MessagesAsync()));
    }
}
