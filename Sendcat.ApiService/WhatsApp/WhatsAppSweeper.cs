using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;

namespace Sendcat.ApiService.WhatsApp;

/// <summary>Deletes expired linking codes, and replies and states of messages after 30 days. Every replica does it once an hour.</summary>
internal sealed class WhatsAppSweeper(
    NpgsqlDataSource database, TimeProvider time, StoreOutages outages, ILogger<WhatsAppSweeper> logger) : BackgroundService
{
    private const string Work = "Deleting of expired WhatsApp rows";
    private const int BatchSize = 5_000;
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);
    private static readonly TimeSpan Retention = TimeSpan.FromDays(30);

    private static readonly (TimeSpan Age, string Sql)[] Deletes =
    [
        (TimeSpan.Zero,
            """
            -- delete expired linking codes
            DELETE FROM whatsapp_linking_codes WHERE user_id IN (SELECT user_id FROM whatsapp_linking_codes WHERE expires_at <= $1 LIMIT $2)
            """),
        (Retention,
            """
            -- delete old whatsapp replies
            DELETE FROM whatsapp_replies WHERE key IN (SELECT key FROM whatsapp_replies WHERE created_at <= $1 LIMIT $2)
            """),
        (Retention,
            """
            -- delete old whatsapp statuses
            DELETE FROM whatsapp_statuses WHERE message_id IN (SELECT message_id FROM whatsapp_statuses WHERE updated_at <= $1 LIMIT $2)
            """),
    ];

    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        foreach (var (age, sql) in Deletes)
        {
            int deleted;
            do
            {
                await using var command = database.CreateCommand(sql);
                command.Parameters.Add(new() { Value = now - age });
                command.Parameters.Add(new() { Value = BatchSize });
                deleted = await command.ExecuteNonQueryAsync(cancellationToken);
            }
            while (deleted >= BatchSize);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop(Work, logger, time).EveryAsync(Interval, TrySweepAsync, stoppingToken);

    private async Task TrySweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            await SweepAsync(cancellationToken);
        }
        catch (Exception failure) when (PostgresFailure.Is(failure))
        {
            if (!outages.Postgres.Records(Work, failure))
            {
                logger.RowsNotSwept(failure.GetType().Name);
            }
        }
    }
}
