using Npgsql;
using Sendcat.ApiService.Identity.SignUps;
using Sendcat.Integrations.Mail;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;

namespace Sendcat.ApiService.Identity;

/// <summary>Deletes expired identity rows once an hour. Every replica runs it; the deletes are idempotent.</summary>
internal sealed class IdentitySweeper(
    NpgsqlDataSource database, TimeProvider time, StoreOutages outages, ILogger<IdentitySweeper> logger) : BackgroundService
{
    private const string Work = "Deleting of expired identity rows";

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>A sign-in address that was not used for this time is deleted.</summary>
    private static readonly TimeSpan AddressRetention = TimeSpan.FromDays(180);

    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new("DELETE FROM registration_mails WHERE asked_at < $1 AND mailed_at < $1") { Parameters = { new() { Value = now - Registrations.MailInterval } } });
        batch.BatchCommands.Add(new("DELETE FROM sign_in_addresses WHERE last_used_at < $1") { Parameters = { new() { Value = now - AddressRetention } } });
        batch.BatchCommands.Add(new("DELETE FROM undeliverable_addresses WHERE reported_at < $1") { Parameters = { new() { Value = now - UndeliverableAddresses.Retention } } });
        await batch.ExecuteNonQueryAsync(cancellationToken);
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
                logger.SweepFailed(failure.GetType().Name);
            }
        }
    }
}
