using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Sendcat.Reliability;
using Sendcat.Reliability.Snapshot;
using Sendcat.ToolWorker.Schedule;

namespace Sendcat.UnitTests.ToolJobs;

/// <summary>The scheduler of a worker without Postgres.</summary>
public sealed class SchedulerTests
{
    [Fact]
    public async Task An_outage_of_Postgres_is_the_line_of_the_store_and_no_line_of_the_scheduler()
    {
        await using var database = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Database=none");
        var (time, logger) = (new FakeTimeProvider(), new FakeLogger<Scheduler>());
        using var drain = new Drain();
        using var scheduler = new Scheduler([], new(database), drain, time, StoreOutagesFeature.Create(logger, time), logger);

        await scheduler.StartDueAsync(TestContext.Current.CancellationToken);
        await scheduler.StartDueAsync(TestContext.Current.CancellationToken);

        Assert.Equal([2900], logger.Collector.GetSnapshot().Select(line => line.Id.Id));
    }
}
