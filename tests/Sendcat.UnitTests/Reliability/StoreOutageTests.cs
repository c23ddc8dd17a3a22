using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Sendcat.Reliability;
using Sendcat.Reliability.Outages;

namespace Sendcat.UnitTests.Reliability;

/// <summary>What the log of a process shows when a store goes and comes back.</summary>
public sealed class StoreOutageTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger _logger = new();
    private readonly StoreOutages _outages;

    public StoreOutageTests() => _outages = StoreOutagesFeature.Create(_logger, _time);

    [Fact]
    public void All_work_of_a_process_shares_the_line_of_the_store_that_goes_and_the_line_of_its_return()
    {
        var (journal, heartbeat) = (Work("Turn journal"), Work("Replica heartbeat"));

        for (var round = 0; round < 20; round++)
        {
            Assert.False(journal.Begins(NoResponse()));
            Assert.False(heartbeat.Begins(new InvalidOperationException("saving", NoResponse())));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        heartbeat.Ends();
        _time.Advance(StoreOutage.Settled);
        journal.Ends();

        Assert.Equal(
            [
                (2900, "Postgres is unavailable, first for Turn journal: no response"),
                (2901, "Postgres works again after 20000 ms and 40 failures"),
            ],
            _logger.Collector.GetSnapshot().Select(line => (line.Id.Id, line.Message)));
    }

    [Fact]
    public void A_success_among_failures_is_not_the_return_of_the_store()
    {
        var (journal, heartbeat) = (Work("Turn journal"), Work("Replica heartbeat"));
        journal.Begins(NoResponse());
        heartbeat.Ends();
        _time.Advance(TimeSpan.FromSeconds(4));

        journal.Begins(NoResponse());
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, _logger.Collector.Count);

        journal.Ends();
        _time.Advance(StoreOutage.Settled);
        Assert.Equal(2, _logger.Collector.Count);
    }

    [Fact]
    public void An_operation_that_began_before_the_return_and_fails_later_begins_no_other_outage()
    {
        var (journal, heartbeat) = (Work("Turn journal"), Work("Replica heartbeat"));
        journal.Begins(NoResponse());
        heartbeat.Ends();
        _time.Advance(StoreOutage.Settled);
        Assert.Equal(2, _logger.Collector.Count);

        // The statement of the journal began before the return and waited for its timeout. Requests have statements of their own.
        _time.Advance(StoreOutage.Settled - TimeSpan.FromTicks(1));
        Assert.True(_outages.Postgres.Records("requests", NoResponse()));
        _time.Advance(TimeSpan.FromSeconds(10));
        heartbeat.Ends();
        Assert.False(journal.Begins(NoResponse()));
        Assert.Equal(2, _logger.Collector.Count);

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(journal.Begins(NoResponse()));
        Assert.Equal("Postgres is unavailable, first for Turn journal: no response", _logger.LatestRecord.Message);
    }

    [Fact]
    public void A_store_that_goes_again_just_after_its_return_is_logged_again()
    {
        _outages.Redis.Fails("any", "connection lost");
        _outages.Redis.Works();
        _time.Advance(StoreOutage.Settled);

        _outages.Redis.Fails("any", "connection lost");

        Assert.Equal([2900, 2901, 2900], _logger.Collector.GetSnapshot().Select(line => line.Id.Id));
    }

    [Fact]
    public void A_timer_that_fires_after_another_failure_and_another_success_ends_nothing()
    {
        var time = new LateTimers();
        var outage = StoreOutagesFeature.Create(_logger, time).Postgres;
        outage.Fails("any", "no response");
        outage.Works();
        outage.Fails("any", "no response");
        outage.Works();

        time.Fire(0);
        outage.Fails("any", "no response");
        outage.Works();
        time.Fire(1);
        Assert.Equal(1, _logger.Collector.Count);

        time.Fire(2);
        Assert.Equal("Postgres works again after 0 ms and 3 failures", _logger.LatestRecord.Message);
    }

    [Fact]
    public void A_failure_while_the_store_is_available_is_an_outage_of_the_work()
    {
        var journal = Work("Turn journal");
        var missingTable = new PostgresException("relation does not exist", "ERROR", "ERROR", PostgresErrorCodes.UndefinedTable);

        Assert.Equal((true, false), (journal.Begins(missingTable), journal.Begins(missingTable)));
        journal.Ends();

        var line = Assert.Single(_logger.Collector.GetSnapshot());
        Assert.Equal((2901, "Turn journal works again after 0 ms and 2 failures"), (line.Id.Id, line.Message));
    }

    [Fact]
    public void Stores_have_outages_of_their_own()
    {
        _outages.Postgres.Fails("any", "no response");
        _outages.Redis.Fails("any", "no response");
        _outages.RabbitMq.Works();
        _outages.Redis.Works();
        _time.Advance(StoreOutage.Settled);

        Assert.Equal(
            [
                "Postgres is unavailable, first for any: no response",
                "Redis is unavailable, first for any: no response",
                "Redis works again after 0 ms and 1 failures",
            ],
            _logger.Collector.GetSnapshot().Select(line => line.Message));
    }

    private WorkOutage Work(string name) => new(name, _outages.Postgres, _logger, _time);

    private static NpgsqlException NoResponse() => new("no response", new TimeoutException());

    /// <summary>Timers that fire when the test says so, also after they were disposed, as those of a busy process.</summary>
    private sealed class LateTimers : FakeTimeProvider
    {
        private readonly List<Action> _callbacks = [];

        public void Fire(int timer) => _callbacks[timer]();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _callbacks.Add(() => callback(state));
            return base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
        }
    }
}
