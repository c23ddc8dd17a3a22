using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Monitor.Alerts;
using Sendcat.Monitor.Watch;
using Sendcat.Reliability.Alerts;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>Rounds of the Monitor while Postgres ends and comes back.</summary>
public sealed class AlertOutageTests
{
    [Fact]
    public async Task A_message_that_was_sent_while_Postgres_ended_is_repeated_under_its_id_alone()
    {
        var (stop, time) = (TestContext.Current.CancellationToken, new FakeTimeProvider(TimeProvider.System.GetUtcNow()));
        await using var postgres = await PostgresServer.StartAsync();
        var channel = new KillingChannel(postgres);
        await using var monitor = WatchProgram.Build(
            [
                "--SENDCAT_API_URL=http://127.0.0.1:1/", "--OPS_VIEWER_KEY=a viewer key for these tests", "--Logging:LogLevel:Default=None",
                $"--ConnectionStrings:sendcatdb={await MigratedDatabase.CreateForReliabilityAsync(postgres)}",
            ],
            builder =>
            {
                builder.AddAlerts();
                builder.Services.AddSingleton<TimeProvider>(time).AddSingleton<IAlertChannel>(channel);
            });
        var watcher = monitor.Services.GetRequiredService<AlertWatcher>();

        // The API does not respond: an alert, and during its message Postgres ends.
        for (var round = 0; channel.Sent.Count == 0 && round < 10; round++)
        {
            await RoundAsync();
        }

        await RoundAsync();
        await RoundAsync();
        Assert.Single(channel.Sent);

        // A connection from before the outage may fail once more.
        await postgres.StartAgainAsync();
        for (var round = 0; round < 8; round++)
        {
            await RoundAsync();
        }

        Assert.Equal(2, channel.Sent.Count);
        Assert.Equal(("api_down", AlertEvent.Raised), (channel.Sent[0].Alert.Kind, channel.Sent[0].Event));
        Assert.Equal(channel.Sent[0].MessageId, channel.Sent[1].MessageId);

        async Task RoundAsync()
        {
            await watcher.JudgeOnceAsync(stop);
            time.Advance(AlertWatcher.Interval);
        }
    }

    /// <summary>Receives messages about an API that does not respond, and kills Postgres during the first one.</summary>
    private sealed class KillingChannel(PostgresServer postgres) : IAlertChannel
    {
        public List<AlertNotice> Sent { get; } = [];

        public string Name => "killing";

        public bool Takes(string kind, AlertEvent happened) => kind == "api_down";

        public async Task<string?> SendAsync(AlertNotice notice, CancellationToken cancellationToken)
        {
            Sent.Add(notice);
            if (Sent.Count == 1)
            {
                await postgres.KillAsync();
            }

            return null;
        }
    }
}
