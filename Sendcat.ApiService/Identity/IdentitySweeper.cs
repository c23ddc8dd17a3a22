using Npgsql;

namespace Sendcat.ApiService.Identity;

/// <summary>Deletes rows that decide nothing any more. Every replica does; what is gone is gone.</summary>
internal sealed class IdentitySweeper(NpgsqlDataSource database, TimeProvider time, ILogger<IdentitySweeper> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>After that an address is as unknown as any other.</summary>
    private static readonly TimeSpan AddressKept = TimeSpan.FromDays(180);

    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new("DELETE FROM registration_mails WHERE asked_at < $1 AND mailed_at < $1") { Parameters = { new() { Value = now - Registrations.MailInterval } } });
        batch.BatchCommands.Add(new("DELETE FROM sign_in_addresses WHERE last_used_at < $1") { Parameters = { new() { Value = now - AddressKept } } });
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (Exception failure) when (failure is NpgsqlException or TimeoutException)
            {
                logger.SweepFailed(failure.GetType().Name);
            }
        }
    }
}
