using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Sendcat.ContractTests.Attachments;

namespace Sendcat.ContractTests.Http;

/// <summary>Requests that wait for rows that other work changes, on a Postgres that works.</summary>
public sealed class LockedRowsTests(PostgresFixture postgres)
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Requests_that_wait_for_a_row_lock_are_no_outage_of_Postgres_for_others()
    {
        await using var api = await SendcatApi.StartAsync(postgres);
        var (guest, other) = (await api.GuestAsync(), await api.GuestAsync());
        var id = await FileApi.UploadAsync(guest, FileApi.Png());
        await using var connection = await api.Database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var delete = new NpgsqlCommand("DELETE FROM attachments", connection, transaction))
        {
            await delete.ExecuteNonQueryAsync();
        }

        var waiting = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => guest.DeleteAsync($"/api/attachments/{id}")))
            .WaitAsync(MaxWait);
        var afterFailures = await ReadAsync(10);
        var fourth = guest.DeleteAsync($"/api/attachments/{id}");
        var besideFourth = await ReadAsync(10);
        await fourth.WaitAsync(MaxWait);

        Assert.All(waiting, response => Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode));
        Assert.Equal(["OK x 10", "OK x 10"], [afterFailures, besideFourth]);

        async Task<string> ReadAsync(int count)
        {
            var reads = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => other.GetAsync("/api/threads"))).WaitAsync(MaxWait);
            return string.Join(", ", reads.GroupBy(read => read.StatusCode).Select(group => $"{group.Key} x {group.Count()}"));
        }
    }

    [Fact]
    public async Task A_request_that_waits_too_long_for_a_row_lock_says_so()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["POSTGRES_STATEMENT_TIMEOUT_MS"] = "1000" });
        var guest = await api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        await using var connection = await api.Database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var update = new NpgsqlCommand("UPDATE threads SET title = 'locked'", connection, transaction))
        {
            await update.ExecuteNonQueryAsync();
        }

        using var refused = await guest.DeleteAsync($"/api/threads/{thread}");

        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "rows_locked"),
            (refused.StatusCode, refused.Headers.GetValues("x-sendcat-error-reason").Single()));
    }

    [Fact]
    public async Task The_server_ends_the_wait_for_a_lock_before_the_deadline()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["POSTGRES_STATEMENT_TIMEOUT_MS"] = "1000" });

        await using var command = api.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("SHOW lock_timeout");

        Assert.Equal("800ms", await command.ExecuteScalarAsync());
    }
}
