using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Sendcat.Reliability;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;

namespace Sendcat.UnitTests.Reliability;

/// <summary>A write that waits until Postgres is available.</summary>
public sealed class PersistentWriteTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger _logger = new();
    private readonly PersistentWrite _write;

    public PersistentWriteTests() => _write = new("evidence", StoreOutagesFeature.Create(_logger, _time), _logger, _time);

    [Fact]
    public async Task It_is_repeated_until_Postgres_is_available_and_the_outage_is_logged_once()
    {
        var writes = 0;

        var result = _write.RunAsync(_ => ++writes < 4 ? throw Unavailable() : Task.FromResult(writes), CancellationToken.None);
        for (var round = 0; round < 3; round++)
        {
            Assert.False(result.IsCompleted);
            _time.Advance(TimeSpan.FromMilliseconds(500));
        }

        Assert.Equal(4, await result);
        _time.Advance(StoreOutage.Settled);
        Assert.Equal([2900, 2901], _logger.Collector.GetSnapshot().Select(line => line.Id.Id));
    }

    [Fact]
    public async Task A_conflict_of_locks_is_no_outage_and_is_logged_once()
    {
        var writes = 0;

        var result = _write.RunAsync(
            _ => ++writes < 3 ? throw new PostgresException("deadlock detected", "ERROR", "ERROR", "40P01") : Task.CompletedTask,
            CancellationToken.None);
        _time.Advance(TimeSpan.FromMilliseconds(500));
        _time.Advance(TimeSpan.FromMilliseconds(500));
        await result;

        Assert.Equal(2902, Assert.Single(_logger.Collector.GetSnapshot()).Id.Id);
    }

    [Fact]
    public async Task A_refusal_of_the_data_is_not_repeated()
    {
        var refusal = new PostgresException("value too long", "ERROR", "ERROR", "22001");

        var failure = await Assert.ThrowsAsync<PostgresException>(
            () => _write.RunAsync(_ => Task.FromException(refusal), CancellationToken.None));

        Assert.Same(refusal, failure);
        Assert.Empty(_logger.Collector.GetSnapshot());
    }

    [Fact]
    public async Task The_caller_ends_the_repetition()
    {
        using var cancel = new CancellationTokenSource();

        var result = _write.RunAsync(_ => Task.FromException(Unavailable()), cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => result);
    }

    private static NpgsqlException Unavailable() => new("no response");
}
