using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.Database;

namespace Sendcat.Monitor.Alerts;

/// <summary>
/// The store of the alerts: Postgres, and memory while Postgres is unavailable. A Monitor that leads goes on judging without Postgres, and
/// stores later what it has raised; another one waits.
/// </summary>
/// <param name="postgres">Null: there is no database, and the memory is all there is.</param>
internal sealed class AlertLedger(AlertStore? postgres, TimeProvider clock, ILogger<AlertLedger> logger)
{
    private MemoryAlertStore? _memory = postgres is null ? new([]) : null;
    private IReadOnlyList<Alert> _known = [];
    private bool _leads;

    /// <summary>The store to use in this round.</summary>
    /// <returns>Null: another Monitor leads.</returns>
    public async Task<IAlertStore?> OpenAsync(CancellationToken cancellationToken)
    {
        if (postgres is null)
        {
            return _memory;
        }

        var now = clock.GetUtcNow();
        try
        {
            _leads = await postgres.LeadAsync(now, cancellationToken);
            if (_leads && _memory is { } memory)
            {
                await postgres.AdoptAsync(memory, now, cancellationToken);
                logger.StoredAgain();
            }

            _memory = null;
            return _leads ? postgres : null;
        }
        catch (Exception failure) when (PostgresFailure.Is(failure))
        {
            return Without(failure);
        }
    }

    /// <summary>Continues in memory, after a failure of Postgres.</summary>
    /// <returns>Null: this Monitor did not lead, so another one may.</returns>
    public IAlertStore? Without(Exception failure)
    {
        if (!_leads)
        {
            return null;
        }

        if (_memory is null)
        {
            logger.ContinuesInMemory(failure.Message);
            _memory = new(_known);
        }

        return _memory;
    }

    public async Task<IReadOnlyList<Alert>> KnownAsync(IAlertStore store, CancellationToken cancellationToken)
    {
        var known = await store.KnownAsync(clock.GetUtcNow(), cancellationToken);
        return store is AlertStore ? _known = known : known;
    }

    /// <summary>Lets another Monitor lead at once.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        if (postgres is not null && _leads && _memory is null)
        {
            try
            {
                await postgres.ResignAsync(clock.GetUtcNow(), cancellationToken);
            }
            catch (Exception failure) when (PostgresFailure.IsOrCancelled(failure))
            {
                // Another Monitor takes over when the term has ended.
            }
        }
    }
}
