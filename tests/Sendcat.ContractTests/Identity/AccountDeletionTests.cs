using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Sendcat.ApiService.Identity.AccountChanges;

namespace Sendcat.ContractTests.Identity;

/// <summary>
/// The deletion of an account beside other work: what it ends first, what it waits for, and what another replica continues.
/// </summary>
public sealed class AccountDeletionTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Password = "correct horse 1";
    private const string Email = "leaver@example.com";

    private SendcatApi _api = null!;
    private HttpClient _user = null!;
    private string _userId = "";
    private string _refreshToken = "";
    private string _thread = "";

    public async ValueTask InitializeAsync()
    {
        _api = await SendcatApi.StartAsync(postgres, new() { ["POSTGRES_STATEMENT_TIMEOUT_MS"] = "2500" });
        (_user, var tokens) = await _api.UserAsync(Email, Password);
        _refreshToken = (string)tokens["refreshToken"]!;
        _userId = (string)(await (await _user.GetAsync("/api/auth/me")).JsonAsync())["id"]!;
        _thread = (string)(await (await _user.PostAsJsonAsync("/api/threads", new { title = "Shoes" })).JsonAsync())["id"]!;
        await (await _user.PostAsJsonAsync($"/api/threads/{_thread}/messages", new { content = "red shoes" })).JsonAsync();
    }

    public async ValueTask DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task The_access_ends_first_and_what_begins_meanwhile_is_deleted_too()
    {
        await using var blocking = await _api.Database.OpenConnectionAsync();
        await using var transaction = await blocking.BeginTransactionAsync();
        await ExecuteAsync(blocking, $"SELECT FROM threads WHERE id = '{_thread}' FOR UPDATE");

        var deletion = DeleteAsync();
        await UntilAsync("SELECT count(*) = 1 FROM account_deletions");

        await (await _user.GetAsync("/api/auth/me")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await _api.Anyone.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = _refreshToken }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await _api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = Email, password = Password }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        var (successor, _) = await _api.UserAsync(Email, "another horse 2");
        await BeginThreadAsync();
        await ExecuteAsync(
            """
            INSERT INTO attachments (id, user_id, name, type, size, created_at)
            VALUES (gen_random_uuid(), $1, 'a.png', 'image/png', 1, now())
            """);
        await transaction.RollbackAsync();
        Assert.Equal(HttpStatusCode.NoContent, (await deletion).StatusCode);

        Assert.Equal(0, await CountAsync("threads") + await CountAsync("attachments") + await CountAsync("account_deletions"));
        var late = await Assert.ThrowsAsync<PostgresException>(BeginThreadAsync);
        Assert.Equal(PostgresErrorCodes.ForeignKeyViolation, late.SqlState);
        Assert.Equal(HttpStatusCode.OK, (await successor.GetAsync("/api/auth/me")).StatusCode);
    }

    [Fact]
    public async Task A_statement_of_the_deletion_may_take_longer_than_one_of_a_request()
    {
        await _api.ExecuteAsync(
            """
            CREATE FUNCTION sleep_before_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(4); RETURN OLD; END $$;
            CREATE TRIGGER sleep_before_delete BEFORE DELETE ON threads FOR EACH ROW EXECUTE FUNCTION sleep_before_delete();
            """);

        Assert.Equal(HttpStatusCode.NoContent, (await DeleteAsync()).StatusCode);

        Assert.Equal(0, await _api.ScalarAsync<long>("SELECT count(*) FROM users"));
    }

    [Fact]
    public async Task A_deletion_that_takes_long_is_202_and_goes_on_without_the_request()
    {
        await using var blocking = await _api.Database.OpenConnectionAsync();
        await using var transaction = await blocking.BeginTransactionAsync();
        await ExecuteAsync(blocking, $"SELECT FROM threads WHERE id = '{_thread}' FOR UPDATE");

        Assert.Equal(HttpStatusCode.Accepted, (await DeleteAsync()).StatusCode);

        Assert.Equal(1, await CountAsync("threads"));
        await transaction.RollbackAsync();
        await UntilAsync("SELECT count(*) = 0 FROM users");
        Assert.Equal(0, await CountAsync("threads"));
        Assert.Equal(
            1, await _api.ScalarAsync<long>($"SELECT count(*) FROM reliability.tool_jobs WHERE args LIKE '%account_deleted%{Email}%'"));
    }

    [Theory]
    [InlineData("SELECT FROM threads WHERE id = '{0}' FOR UPDATE", "UPDATE attachments SET name = 'b.png'")]
    [InlineData("SELECT FROM attachments FOR UPDATE", "UPDATE threads SET title = 'Hats' WHERE id = '{0}'")]
    public async Task A_writer_that_locks_the_same_rows_in_any_order_does_not_fail_the_deletion(string first, string second)
    {
        var file = Guid.NewGuid();
        await ExecuteAsync(
            $"""
            INSERT INTO attachments (id, user_id, name, type, size, created_at, stored_at)
            VALUES ('{file}', $1, 'a.png', 'image/png', 1, now(), now())
            """);
        await _api.ExecuteAsync($$"""UPDATE messages SET attachments = '[{"storageId":"{{file}}"}]' WHERE thread_id = '{{_thread}}'""");
        await using var writing = await _api.Database.OpenConnectionAsync();
        await using var transaction = await writing.BeginTransactionAsync();
        // Postgres ends the transaction that looks for a deadlock first: that of the deletion.
        await ExecuteAsync(writing, "SET LOCAL deadlock_timeout = '1min'");
        await ExecuteAsync(writing, string.Format(null, first, _thread));

        var deletion = DeleteAsync();
        await UntilAsync("SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
        await ExecuteAsync(writing, string.Format(null, second, _thread));
        await transaction.CommitAsync();

        Assert.Equal(HttpStatusCode.NoContent, (await deletion).StatusCode);
        Assert.Equal(0, await CountAsync("threads") + await CountAsync("attachments"));
    }

    [Fact]
    public async Task A_deletion_whose_process_died_is_finished_by_another_replica()
    {
        // Another replica has it for another minute.
        await _api.ExecuteAsync(
            $"""
            UPDATE users SET email = NULL, normalized_email = NULL, user_name = NULL, normalized_user_name = NULL;
            INSERT INTO account_deletions (user_id, address, normalized_address, requested_at, taken_until)
            VALUES ('{_userId}', '{Email}', upper('{Email}'), now(), now() + interval '1 minute');
            """);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var replica = ActivatorUtilities.CreateInstance<AccountDeletions>(_api.Services, time);
        await replica.StartAsync(CancellationToken.None);
        replica.Signal();
        await _api.ExecuteAsync("UPDATE account_deletions SET taken_until = now()");

        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await _api.ScalarAsync<long>("SELECT count(*) FROM users") > 0)
        {
            // The loop may not have begun to wait yet, so that one step of the clock may not reach it.
            time.Advance(TimeSpan.FromSeconds(30));
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, timeout.Token);
        }

        await replica.StopAsync(CancellationToken.None);
        Assert.Equal(0, await CountAsync("threads") + await CountAsync("account_deletions"));
    }

    [Fact]
    public async Task Every_table_with_a_user_id_loses_its_rows_with_the_user()
    {
        var left = await _api.ScalarAsync<string[]>(
            """
            WITH RECURSIVE cascading AS (
                SELECT 'users'::regclass::oid AS id
                UNION SELECT f.conrelid FROM cascading
                JOIN pg_constraint f ON f.confrelid = cascading.id AND f.contype = 'f' AND f.confdeltype = 'c'
            )
            SELECT coalesce(array_agg(c.relname::text), '{}') FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
            WHERE a.attname = 'user_id' AND NOT a.attisdropped AND c.oid NOT IN (SELECT id FROM cascading)
            """);

        Assert.Empty(left);
    }

    private Task<HttpResponseMessage> DeleteAsync() => _user.PostAsJsonAsync("/api/auth/delete-account", new { password = Password });

    /// <summary>As a request of the user that was on its way when the access ended.</summary>
    private Task BeginThreadAsync() =>
        ExecuteAsync("INSERT INTO threads (id, session_id, user_id, created_at) VALUES (gen_random_uuid(), 's', $1, now())");

    private Task<long> CountAsync(string table) => _api.ScalarAsync<long>($"SELECT count(*) FROM {table}");

    private async Task ExecuteAsync(string sql)
    {
        await using var command = _api.Database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = _userId });
        await command.ExecuteNonQueryAsync();
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task UntilAsync(string condition)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await _api.ScalarAsync<bool>(condition))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, timeout.Token);
        }
    }
}
