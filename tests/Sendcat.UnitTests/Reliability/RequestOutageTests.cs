using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Sendcat.Reliability;
using Sendcat.Reliability.Database;

namespace Sendcat.UnitTests.Reliability;

/// <summary>Which requests reach Postgres while it does not respond.</summary>
public sealed class RequestOutageTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger _logger = new();
    private readonly RequestOutage _outage;
    private Func<Task> _probe = NoResponseAsync;

    public RequestOutageTests() => _outage = new(StoreOutagesFeature.Create(_logger, _time).Postgres, _ => _probe(), _time);

    [Fact]
    public async Task Three_failures_and_a_probe_without_a_response_make_the_outage_known()
    {
        Fail(times: 2);
        await OpenAsync();
        Fail(times: 1);
        var probe = new TaskCompletionSource();
        _probe = () => probe.Task;

        var testing = OpenAsync();
        await OpenAsync();
        Assert.False(_outage.IsKnown);
        probe.SetException(new NpgsqlException("no response", new TimeoutException()));
        await Assert.ThrowsAsync<NpgsqlException>(() => testing);
        Assert.True(_outage.IsKnown);

        var next = new TaskCompletionSource();
        _probe = () => next.Task;
        var testingAgain = OpenAsync();
        var refused = await Assert.ThrowsAsync<NpgsqlException>(OpenAsync);
        Assert.True(PostgresFailure.IsUnavailable(refused));
        next.SetResult();
        Assert.True(await testingAgain);
        Assert.False(_outage.IsKnown);
        await OpenAsync();
    }

    [Fact]
    public async Task A_probe_with_a_response_is_no_outage()
    {
        Fail(times: 3);
        _probe = () => Task.CompletedTask;

        await OpenAsync();

        _probe = NoResponseAsync;
        Fail(times: 2);
        await OpenAsync();
    }

    [Fact]
    public async Task A_probe_that_gets_an_error_of_the_statement_is_no_outage()
    {
        Fail(times: 3);
        _probe = () => throw new PostgresException("lock timeout", "ERROR", "ERROR", PostgresErrorCodes.LockNotAvailable);

        await OpenAsync();

        _probe = NoResponseAsync;
        await OpenAsync();
    }

    [Fact]
    public async Task A_success_admits_all_requests_at_once()
    {
        Fail(times: 5);
        await Assert.ThrowsAsync<NpgsqlException>(OpenAsync);

        _outage.Ends();

        // Requests that were refused before report it late.
        Fail(times: 5);
        await OpenAsync();
        await OpenAsync();
    }

    [Fact]
    public async Task A_probe_that_fails_makes_room_for_the_next()
    {
        Fail(times: 3);
        await Assert.ThrowsAsync<NpgsqlException>(OpenAsync);
        _probe = () => throw new InvalidOperationException("a defect");
        await Assert.ThrowsAsync<InvalidOperationException>(OpenAsync);

        _probe = () => Task.CompletedTask;

        await OpenAsync();
    }

    [Fact]
    public async Task Time_of_the_probe_counts()
    {
        Fail(times: 3);
        _probe = () =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(500));
            return Task.CompletedTask;
        };

        Assert.Equal(Timeout - TimeSpan.FromMilliseconds(500), await _outage.OpenAsync(Timeout, Task.FromResult));
    }

    [Theory]
    [InlineData(PostgresErrorCodes.LockNotAvailable)]
    [InlineData(PostgresErrorCodes.DeadlockDetected)]
    [InlineData(PostgresErrorCodes.SerializationFailure)]
    public void A_lock_that_other_work_holds_is_no_outage(string state) =>
        Assert.False(_outage.Records(new PostgresException("text", "ERROR", "ERROR", state)));

    [Fact]
    public async Task A_success_between_failures_is_no_outage()
    {
        Fail(times: 2);
        _outage.Ends();
        Fail(times: 2);

        await OpenAsync();
        await OpenAsync();
    }

    [Fact]
    public async Task A_defect_of_the_schema_is_no_outage()
    {
        var missingTable = new PostgresException("relation does not exist", "ERROR", "ERROR", PostgresErrorCodes.UndefinedTable);
        for (var n = 0; n < 5; n++)
        {
            Assert.False(_outage.Records(missingTable));
        }

        await OpenAsync();
        await OpenAsync();
    }

    private void Fail(int times)
    {
        for (var n = 0; n < times; n++)
        {
            Assert.True(_outage.Records(new NpgsqlException("no response", new TimeoutException())));
        }
    }

    private Task<bool> OpenAsync() => _outage.OpenAsync(Timeout, _ => Task.FromResult(true));

    private static Task NoResponseAsync() => Task.FromException(new NpgsqlException("no response", new TimeoutException()));
}
