using System.Net;
using System.Net.Http.Json;
using Npgsql;

namespace Sendcat.ContractTests.Identity;

/// <summary>Wrong passwords are counted per pair of network address and account.</summary>
public sealed class SignInAttemptsTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Password = "correct horse 1";
    private const string Owner = "198.51.100.7";
    private const string Attacker = "203.0.113.9";
    private SendcatApi _api = null!;

    public async ValueTask InitializeAsync() => _api = await SendcatApi.StartAsync(postgres, new() { ["TRUSTED_PROXIES"] = "127.0.0.0/8" });

    public ValueTask DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public async Task Wrong_passwords_from_one_address_lock_out_only_that_address()
    {
        await RegisterAsync("owner@example.com");
        await FailAsync("owner@example.com", Attacker, 5);

        await IsLockedAsync(await SignInAsync("owner@example.com", Password, Attacker));
        Assert.Equal(HttpStatusCode.OK, (await SignInAsync("owner@example.com", Password, Owner)).StatusCode);
        await (await SignInAsync("other@example.com", Password, Attacker)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task The_correct_password_is_accepted_from_a_locked_address_that_signed_in_before()
    {
        await RegisterAsync("known@example.com");
        Assert.Equal(HttpStatusCode.OK, (await SignInAsync("known@example.com", Password, Owner)).StatusCode);
        await FailAsync("known@example.com", Owner, 5);

        await IsLockedAsync(await SignInAsync("known@example.com", "wrong", Owner));
        Assert.Equal(HttpStatusCode.OK, (await SignInAsync("known@example.com", Password, Owner)).StatusCode);
    }

    [Fact]
    public async Task An_unknown_account_gets_the_same_responses_as_an_existing_one_including_the_lockout()
    {
        await RegisterAsync("exists@example.com");
        for (var attempt = 0; attempt < 7; attempt++)
        {
            using var known = await SignInAsync("exists@example.com", "wrong", Attacker);
            using var unknown = await SignInAsync("missing@example.com", "wrong", Attacker);

            Assert.Equal(attempt < 5 ? HttpStatusCode.Unauthorized : HttpStatusCode.TooManyRequests, known.StatusCode);
            Assert.Equal(known.StatusCode, unknown.StatusCode);
            Assert.Equal(known.Headers.RetryAfter is null, unknown.Headers.RetryAfter is null);
            Assert.Equal(
                WithoutNumbers(await known.Content.ReadAsStringAsync()), WithoutNumbers(await unknown.Content.ReadAsStringAsync()));
        }
    }

    [Fact]
    public async Task Concurrent_wrong_passwords_are_all_counted()
    {
        await RegisterAsync("burst@example.com");
        var responses = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => SignInAsync("burst@example.com", "wrong", Attacker)));

        var statuses = responses.CountBy(response => (int)response.StatusCode).OrderBy(status => status.Key)
            .Select(status => $"{status.Value} × {status.Key}");
        Assert.Equal(["5 × 401", "7 × 429"], statuses);
    }

    [Fact]
    public async Task Correct_passwords_do_not_use_up_the_budget()
    {
        await RegisterAsync("often@example.com");
        for (var n = 0; n < 8; n++)
        {
            Assert.Equal(HttpStatusCode.OK, (await SignInAsync("often@example.com", Password, Owner)).StatusCode);
        }
    }

    [Fact]
    public async Task Correct_passwords_that_got_503_are_no_attempts()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["POSTGRES_STATEMENT_TIMEOUT_MS"] = "500" });
        object signIn = new { email = "ann@example.com", password = "correct horse 1" };
        (await api.Anyone.PostAsJsonAsync("/api/auth/register", signIn)).EnsureSuccessStatusCode();
        var statuses = new List<HttpStatusCode>();
        await using (var connection = await api.Database.OpenConnectionAsync())
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await using var outage = new NpgsqlCommand("LOCK TABLE users IN ACCESS EXCLUSIVE MODE", connection, transaction);
            await outage.ExecuteNonQueryAsync();
            for (var n = 0; n < 5; n++)
            {
                using var refused = await api.Anyone.PostAsJsonAsync("/api/auth/login", signIn);
                statuses.Add(refused.StatusCode);
            }
        }

        Assert.All(statuses, status => Assert.Equal(HttpStatusCode.ServiceUnavailable, status));
        await (await api.Anyone.PostAsJsonAsync("/api/auth/login", signIn)).JsonAsync();
    }

    [Fact]
    public async Task Mail_and_network_addresses_are_not_stored_in_plain_text()
    {
        await RegisterAsync("private@example.com");
        await SignInAsync("private@example.com", Password, Owner);

        Assert.Equal(0, await _api.ScalarAsync<long>($"select count(*) from sign_in_addresses where address like '%{Owner}%'"));
        Assert.Equal(0, await _api.ScalarAsync<long>("select count(*) from registration_mails where address ilike '%example%'"));
    }

    private static string WithoutNumbers(string text) => new([.. text.Where(c => !char.IsAsciiDigit(c))]);

    private static async Task IsLockedAsync(HttpResponseMessage response)
    {
        await response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.InRange(response.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(30));
    }

    private async Task FailAsync(string email, string address, int times)
    {
        for (var n = 0; n < times; n++)
        {
            await (await SignInAsync(email, "wrong", address)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }
    }

    private async Task RegisterAsync(string email) =>
        (await _api.Anyone.PostAsJsonAsync("/api/auth/register", new { email, password = Password })).EnsureSuccessStatusCode();

    private Task<HttpResponseMessage> SignInAsync(string email, string password, string address) => _api.Anyone.SendAsync(
        new(HttpMethod.Post, "/api/auth/login")
        {
            Content = JsonContent.Create(new { email, password }), Headers = { { "X-Forwarded-For", address } },
        });
}
