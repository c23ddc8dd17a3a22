using Microsoft.Extensions.DependencyInjection;
using Sendcat.ToolWorker.MailSync;

namespace Sendcat.ContractTests.Gmail;

/// <summary>What is done for mailboxes at intervals.</summary>
public sealed class MailboxScheduleTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Watches_are_renewed_daily_and_those_that_end_soon_are_reported()
    {
        await using var gmail = await GmailApi.StartAsync(postgres);
        var ann = await gmail.ConnectedAsync();
        var schedule = gmail.Api.Services.GetRequiredService<MailboxSchedule>();
        Assert.Equal("0 renewed, 0 failed, 0 end within 48 h", (await schedule.RenewWatchesAsync(all: false, CancellationToken.None)).Text);

        await gmail.Api.ExecuteAsync(
            "UPDATE gmail_connections SET watch_renewed_at = now() - INTERVAL '25 hours', watch_expires_at = now() + INTERVAL '47 hours'");
        gmail.Google.DirectRest("[[emu at=gmail/watch status=403]]");
        Assert.Equal("0 renewed, 1 failed, 1 end within 48 h", (await schedule.RenewWatchesAsync(all: false, CancellationToken.None)).Text);
        Assert.Contains(gmail.Logs.GetSnapshot(), record => record.Id.Id == 7414);

        gmail.Google.ClearRestDirections();
        await gmail.Api.ExecuteAsync("UPDATE gmail_connections SET watch_renewed_at = now() - INTERVAL '25 hours'");
        Assert.Equal("1 renewed, 0 failed, 0 end within 48 h", (await schedule.RenewWatchesAsync(all: false, CancellationToken.None)).Text);
        Assert.Equal("1 renewed, 0 failed, 0 end within 48 h", (await schedule.RenewWatchesAsync(all: true, CancellationToken.None)).Text);
    }

    [Fact]
    public async Task A_mailbox_whose_notification_was_lost_is_caught_up()
    {
        await using var gmail = await GmailApi.StartAsync(postgres);
        var ann = await gmail.ConnectedAsync();
        var schedule = gmail.Api.Services.GetRequiredService<MailboxSchedule>();
        gmail.Google.Deliver(ann.Address, sample: "amazon", number: 51);
        Assert.Equal("0 queued, 0 given up", (await schedule.CatchUpAsync(CancellationToken.None)).Text);

        await gmail.Api.ExecuteAsync("UPDATE gmail_connections SET last_sync_at = now() - INTERVAL '26 minutes'");
        Assert.Equal("1 queued, 0 given up", (await schedule.CatchUpAsync(CancellationToken.None)).Text);
        await ann.SettleAsync();

        Assert.Equal(1, await ann.DraftsAsync());
    }

    [Fact]
    public async Task A_mailbox_whose_first_sync_waits_for_one_mail_is_caught_up()
    {
        await using var gmail = await GmailApi.StartAsync(postgres, ("GMAIL_MESSAGE_RETRY_BASE_MS", "600000"));
        var ann = await gmail.UserAsync();
        gmail.Google.FailMail(gmail.Google.Deliver(ann.Address, sample: "amazon", number: 52));
        Assert.Equal("connected", await ann.ConnectAsync());
        await gmail.UntilAsync(GmailApi.SomeSyncWaits);
        gmail.Google.Deliver(ann.Address, sample: "amazon", number: 53);

        await gmail.Api.ExecuteAsync("UPDATE gmail_connections SET connected_at = now() - INTERVAL '26 minutes'");
        var schedule = gmail.Api.Services.GetRequiredService<MailboxSchedule>();
        Assert.Equal("1 queued, 0 given up", (await schedule.CatchUpAsync(CancellationToken.None)).Text);

        await gmail.UntilAsync("SELECT count(*) = 1 FROM evidence");
    }

    [Fact]
    public async Task Parser_drift_is_reported_with_ids_of_messages_once_enough_mails_fell_through()
    {
        await using var gmail = await GmailApi.StartAsync(postgres, ("GMAIL_DRIFT_MIN_MAILS", "4"), ("GMAIL_DRIFT_ALERT_PCT", "50"));
        await gmail.ConnectedAsync();
        var schedule = gmail.Api.Services.GetRequiredService<MailboxSchedule>();
        await AddAsync("amazon", "merchant", "model");
        Assert.Equal("no drift", (await schedule.FindDriftAsync(CancellationToken.None)).Text);

        await AddAsync("amazon", "markup", "none");
        await AddAsync("shein", "merchant", "merchant");
        await AddAsync("shein", "merchant", "none");

        Assert.Equal("drift of amazon", (await schedule.FindDriftAsync(CancellationToken.None)).Text);
        var report = Assert.Single(gmail.Logs.GetSnapshot(), record => record.Id.Id == 7415).Message;
        Assert.Contains("2 of 4", report, StringComparison.Ordinal);
        Assert.Contains("-model", report, StringComparison.Ordinal);

        async Task AddAsync(string merchant, params string[] paths)
        {
            foreach (var path in paths)
            {
                await gmail.Api.ExecuteAsync(
                    $"""
                    INSERT INTO gmail_messages (connection_id, message_id, sync_id, state, attempts, available_at, listed_at, settled_at,
                        merchant, path)
                    SELECT id, gen_random_uuid() || '-{path}', id, 'read', 0, now(), now(), now(), '{merchant}', '{path}'
                        FROM gmail_connections
                    """);
            }
        }
    }
}
