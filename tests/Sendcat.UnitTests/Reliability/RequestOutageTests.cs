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

    public RequestOutageTests() => _outage = new(StoreOutagesFeature.Create(_logger, _time).Postgres, _time);

    [Fact]
    public async Task One_request_at_a_time_tests_Postgres_after_three_failures()
    {
        Fail(times: 2);
        await OpenAsync();
        await OpenAsync();
        Fail(times: 1);

        await OpenAsync();
        var refused = await Assert.ThrowsAsync<NpgsqlException>(OpenAsync);

        Assert.True(PostgresFailure.IsUnavailable(refused));
        _time.Advance(Timeout);
        await OpenAsync();
        await Assert.ThrowsAsync<NpgsqlException>(OpenAsync);
    }

    [Fact]
    public async Task A_success_admits_all_requests_at_once()
    {
        Fail(times: 5);
        await OpenAsync();

        _outage.Ends();

        // Requests that were refused before report it late.
        Fail(times: 5);
        await OpenAsync();
        await OpenAsync();
    }

    [Fact]
    public async Task A_test_that_gets_no_connection_makes_room_for_the_next()
    {
        Fail(times: 3);

        await Assert.ThrowsAsync<NpgsqlException>(() => _outage.OpenAsync<bool>(Timeout, () => throw new NpgsqlException("refused")));

        await OpenAsync();
    }

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

    private Task<bool> OpenAsync() => _outage.OpenAsync(Timeout, () => Task.FromResult(true));
}
