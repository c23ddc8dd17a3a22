using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Time.Testing;

namespace Sendcat.ContractTests.Gmail;

/// <summary>How a user connects and disconnects a mailbox.</summary>
public sealed class ConnectTests(PostgresFixture postgres, GmailApiFixture fixture) : IClassFixture<GmailApiFixture>
{
    private readonly GmailApi _gmail = fixture.Gmail;

    [Fact]
    public async Task A_connected_mailbox_is_read_and_watched_at_once_and_its_tokens_are_encrypted()
    {
        var ann = await _gmail.UserAsync();
        _gmail.Google.Deliver(ann.Address, sample: "amazon", number: 1);
        _gmail.Google.Deliver(ann.Address, sample: "letter");
        Assert.False((bool)(await ann.StatusAsync())!["connected"]!);

        var page = await ann.StartAsync();
        var query = QueryHelpers.ParseQuery(page.Query);
        Assert.Equal(
            ("https://www.googleapis.com/auth/gmail.readonly", "offline", "consent", "S256"),
            (
                query["scope"].ToString(), query["access_type"].ToString(), query["prompt"].ToString(),
                query["code_challenge_method"].ToString()));
        Assert.Equal("connected", await ann.ReturnAsync(await ann.AgreeAsync(page)));

        await ann.SettleAsync();
        var status = (await ann.StatusAsync())!;
        Assert.Equal(
            (true, ann.Address, "active", "completed"),
            ((bool)status["connected"]!, (string)status["email"]!, (string)status["status"]!, (string)status["sync"]!["state"]!));
        Assert.Equal(
            (2, 2, 1), ((int)status["sync"]!["total"]!, (int)status["sync"]!["processed"]!, (int)status["sync"]!["draftsCreated"]!));
        Assert.NotNull(status["lastSyncAt"]);
        Assert.NotNull(_gmail.Google.WatchedUntil(ann.Address));
        Assert.Equal(1, await ann.DraftsAsync());
        var stored = await _gmail.Api.ScalarAsync<string>(
            $"SELECT refresh_token || ' ' || access_token FROM gmail_connections WHERE normalized_email = '{ann.Address}'");
        Assert.DoesNotContain("ya29", stored, StringComparison.Ordinal);
        Assert.All(stored.Split(' '), token => Assert.StartsWith("v1.", token, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_state_works_once_in_its_own_browser()
    {
        var ann = await _gmail.UserAsync();
        var callback = await ann.AgreeAsync(await ann.StartAsync());

        Assert.Equal("error", await (await _gmail.UserAsync()).ReturnAsync(callback));
        Assert.Equal("connected", await ann.ReturnAsync(callback));
        Assert.Equal("error", await ann.ReturnAsync(callback));
        Assert.Equal("error", await ann.ReturnAsync("/api/gmail/auth/callback?code=1&state=forged"));
    }

    [Theory]
    [InlineData("?error=access_denied&state=x")]
    [InlineData("?state=x")]
    [InlineData("?code=x")]
    [InlineData("")]
    [InlineData("?code=@4097&state=x")]
    [InlineData("?code=x&state=@4097")]
    [InlineData("?code=x&state=x&error=@513")]
    public async Task An_invalid_return_leads_to_the_settings_with_an_error(string query)
    {
        var ann = await _gmail.UserAsync();

        var parameters = query.Split('@') is [var before, var after]
            ? $"{before}{new string('a', int.Parse(after.Split('&')[0]))}{after[after.Split('&')[0].Length..]}"
            : query;

        Assert.Equal("error", await ann.ReturnAsync($"/api/gmail/auth/callback{parameters}"));
    }

    [Fact]
    public async Task A_consent_without_a_refresh_token_or_without_reading_must_be_given_again()
    {
        var ann = await _gmail.UserAsync();

        Assert.Equal("reauth", await ann.ConnectAsync($"{ann.Address} [[emu no-refresh]]"));
        var page = await ann.StartAsync();
        Assert.Equal(
            "reauth",
            await ann.ReturnAsync(
                await ann.AgreeAsync(new(page.ToString().Replace("gmail.readonly", "gmail.labels", StringComparison.Ordinal)))));
        Assert.False((bool)(await ann.StatusAsync())!["connected"]!);
    }

    [Fact]
    public async Task A_consent_that_took_longer_than_ten_minutes_is_expired()
    {
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var gmail = await GmailApi.StartAsync(postgres, clock);
        var (ann, ben) = (await gmail.UserAsync(), await gmail.UserAsync());
        var (inTime, late) = (await ann.AgreeAsync(await ann.StartAsync()), await ben.AgreeAsync(await ben.StartAsync()));

        clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal("connected", await ann.ReturnAsync(inTime));
        clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("expired", await ben.ReturnAsync(late));

        Assert.Equal(ann.Address, await gmail.Api.ScalarAsync<string>("SELECT string_agg(normalized_email, ' ') FROM gmail_connections"));
    }

    [Fact]
    public async Task A_full_bulkhead_is_busy()
    {
        await using var gmail = await GmailApi.StartAsync(postgres, ("BULKHEAD_GMAIL_OAUTH_MAX_CONCURRENT", "1"));
        var (ann, ben) = (await gmail.UserAsync(), await gmail.UserAsync());
        gmail.Google.DirectRest("[[emu at=google/token headers=3s]]");
        var slow = ben.ReturnAsync(await ben.AgreeAsync(await ben.StartAsync()));
        using (var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30)))
        using (var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20)))
        {
            while (gmail.Google.Stats.Snapshot().Of("google", "token").Active == 0)
            {
                await poll.WaitForNextTickAsync(timeout.Token);
            }
        }

        Assert.Equal("busy", await ann.ConnectAsync());
        Assert.Equal("connected", await slow);
    }

    [Fact]
    public async Task A_mailbox_belongs_to_one_user_until_its_consent_ends()
    {
        var (ann, ben) = (await _gmail.ConnectedAsync(), await _gmail.UserAsync());

        Assert.Equal("error", await ben.ConnectAsync(ann.Address));
        _gmail.Google.RevokeConsents(ann.Address);
        _gmail.Google.Deliver(ann.Address, sample: "amazon", number: 2);
        _gmail.Google.ExpireAccessTokens();
        using var pushed = await ann.PushAsync();
        await ann.SettleAsync();
        Assert.Equal("needs_reauth", (string)(await ann.StatusAsync())!["status"]!);
        await (await ann.Client.PostAsync("/api/gmail/sync", null)).RefusedAsync(HttpStatusCode.NotFound, "not_found");
        Assert.Equal("connected", await ben.ConnectAsync(ann.Address));
        Assert.False((bool)(await ann.StatusAsync())!["connected"]!);
    }

    [Fact]
    public async Task Disconnecting_stops_the_watch_and_revokes_the_consent()
    {
        var ann = await _gmail.ConnectedAsync();

        using var response = await ann.Client.DeleteAsync("/api/gmail");

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        await _gmail.UntilAsync(
            "SELECT NOT EXISTS (SELECT FROM reliability.tool_jobs WHERE principal = 'gmail:ended' AND status IN ('queued', 'running'))");
        Assert.Equal((0, null), (_gmail.Google.Consents(ann.Address), _gmail.Google.WatchedUntil(ann.Address)));
        Assert.False((bool)(await ann.StatusAsync())!["connected"]!);
        Assert.Equal(
            0,
            await _gmail.Api.ScalarAsync<long>(
                $"SELECT count(*) FROM reliability.tool_jobs WHERE tool = 'mail_sync' AND position('{ann.Address}' IN args) > 0"));
        Assert.Equal(HttpStatusCode.NoContent, (await ann.Client.DeleteAsync("/api/gmail")).StatusCode);
    }

    [Fact]
    public async Task Deleting_the_account_takes_the_mailbox_along_and_revokes_the_consent()
    {
        var ann = await _gmail.ConnectedAsync();

        using var response = await ann.Client.PostAsJsonAsync("/api/auth/delete-account", new { password = "correct horse 1" });

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        await _gmail.UntilAsync(
            "SELECT NOT EXISTS (SELECT FROM reliability.tool_jobs WHERE principal = 'gmail:ended' AND status IN ('queued', 'running'))");
        Assert.Equal((0, null), (_gmail.Google.Consents(ann.Address), _gmail.Google.WatchedUntil(ann.Address)));
        Assert.Equal(
            0, await _gmail.Api.ScalarAsync<long>($"SELECT count(*) FROM gmail_connections WHERE normalized_email = '{ann.Address}'"));
    }

    [Fact]
    public async Task Only_a_signed_in_user_with_a_confirmed_address_connects_and_a_guest_has_no_status()
    {
        await (await _gmail.Api.Anyone.PostAsync("/api/gmail/connect", null)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        var (unconfirmed, _) = await _gmail.Api.UserAsync($"{Guid.NewGuid():N}@elsewhere.example");
        await (await unconfirmed.PostAsync("/api/gmail/connect", null)).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        var guest = await _gmail.Api.GuestAsync();
        Assert.Equal("null", await guest.GetStringAsync("/api/gmail/status"));
        await (await guest.PostAsync("/api/gmail/sync", null)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_sync_on_request_reports_its_progress_and_is_joined_while_it_waits()
    {
        var (ann, ben) = (await _gmail.ConnectedAsync(), await _gmail.UserAsync());
        _gmail.Google.Deliver(ann.Address, sample: "shein", number: 3);

        using var first = await ann.Client.PostAsync("/api/gmail/sync", null);
        Assert.Equal(HttpStatusCode.Accepted, first.StatusCode);
        var id = (string)(await first.JsonAsync())["id"]!;
        await ann.SettleAsync();

        var progress = await (await ann.Client.GetAsync($"/api/gmail/sync/{id}")).JsonAsync();
        Assert.Equal(
            ("completed", "user", 1, 1),
            ((string)progress["state"]!, (string)progress["cause"]!, (int)progress["total"]!, (int)progress["draftsCreated"]!));
        await (await ben.Client.GetAsync($"/api/gmail/sync/{id}")).RefusedAsync(HttpStatusCode.NotFound, "not_found");
        await (await ann.Client.GetAsync("/api/gmail/sync/none")).RefusedAsync(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task Tokens_of_an_earlier_key_are_read_and_encrypted_with_the_present_one()
    {
        const string Earlier = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
        await using var gmail = await GmailApi.StartAsync(
            postgres, ("ENCRYPTION_KEY", GmailApi.Key), ("ENCRYPTION_KEYS_PREVIOUS", Earlier));
        var ann = await gmail.ConnectedAsync();
        var before = await KeyIdAsync();
        var old = new Sendcat.Integrations.Encryption.SecretCipher(new FixedOptions(new() { Current = Earlier }));
        var user = await gmail.Api.ScalarAsync<string>($"SELECT user_id FROM gmail_connections WHERE normalized_email = '{ann.Address}'");
        var cipher = new Sendcat.Integrations.Encryption.SecretCipher(new FixedOptions(new() { Current = GmailApi.Key }));
        var stored = await gmail.Api.ScalarAsync<string>(
            $"SELECT refresh_token FROM gmail_connections WHERE normalized_email = '{ann.Address}'");
        Assert.True(cipher.TryDecrypt("gmail refresh token", user, stored, out var token, out _));
        Assert.False(cipher.TryDecrypt("gmail refresh token", "another user", stored, out _, out _));
        var earlier = old.Encrypt("gmail refresh token", user, token!);
        await gmail.Api.ExecuteAsync($"UPDATE gmail_connections SET refresh_token = '{earlier}' WHERE normalized_email = '{ann.Address}'");
        Assert.NotEqual(before, await KeyIdAsync());

        gmail.Google.Deliver(ann.Address, sample: "amazon", number: 4);
        using var pushed = await ann.PushAsync();
        await ann.SettleAsync();

        Assert.Equal((before, 1), (await KeyIdAsync(), await ann.DraftsAsync()));

        Task<string> KeyIdAsync() => gmail.Api.ScalarAsync<string>(
            $"SELECT split_part(refresh_token, '.', 2) FROM gmail_connections WHERE normalized_email = '{ann.Address}'");
    }

    private sealed class FixedOptions(Sendcat.Integrations.Encryption.EncryptionOptions value)
        : Microsoft.Extensions.Options.IOptionsMonitor<Sendcat.Integrations.Encryption.EncryptionOptions>
    {
        public Sendcat.Integrations.Encryption.EncryptionOptions CurrentValue => value;

        public Sendcat.Integrations.Encryption.EncryptionOptions Get(string? name) => value;

        public IDisposable? OnChange(Action<Sendcat.Integrations.Encryption.EncryptionOptions, string?> listener) => null;
    }
}
