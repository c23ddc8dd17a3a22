using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Identity.Tokens;
using Sendcat.ContractTests.Mail;

namespace Sendcat.ContractTests.Identity;

/// <summary>Registration mails and the confirmation of email addresses.</summary>
public sealed class RegistrationTests(PostgresFixture postgres)
{
    private const string Password = "correct horse 1";

    [Fact]
    public async Task A_free_and_a_taken_address_get_the_same_response_and_neither_claims_a_session()
    {
        var api = await postgres.ApiAsync();
        var guest = await api.GuestAsync();
        var sessionId = guest.DefaultRequestHeaders.GetValues("x-sendcat-session").Single();
        (await guest.PostAsJsonAsync("/api/threads", new { })).EnsureSuccessStatusCode();

        using var free = await api.Anyone.PostAsJsonAsync(
            "/api/auth/register", new { email = "alike@example.com", password = Password, sessionId });
        using var taken = await api.Anyone.PostAsJsonAsync(
            "/api/auth/register", new { email = "alike@example.com", password = "another horse 2", sessionId });

        Assert.Equal(
            (free.StatusCode, await free.Content.ReadAsStringAsync()), (taken.StatusCode, await taken.Content.ReadAsStringAsync()));
        Assert.Equal(HeaderNames(free), HeaderNames(taken));
        Assert.Single((await (await guest.GetAsync("/api/threads")).JsonAsync())["items"]!.AsArray());
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from threads where user_id = (select id from users where email = 'alike@example.com')"));
    }

    [Fact]
    public async Task Registration_sends_at_most_one_mail_per_address_per_day()
    {
        await using var mails = await MailApi.StartAsync(postgres);
        var api = mails.Api;

        for (var n = 0; n < 3; n++)
        {
            await RegisterAsync(api, "mailed@example.com");
        }

        await RegisterAsync(api, "next@example.com");
        var (welcome, next) = (await mails.NextMailAsync(), await mails.NextMailAsync());
        Assert.Equal(("mailed@example.com", "next@example.com"), (welcome.To.Single(), next.To.Single()));

        await AdvanceOneDayAsync(api);
        await RegisterAsync(api, "mailed@example.com");
        await RegisterAsync(api, "mailed@example.com");
        var unfinished = await mails.NextMailAsync();
        Assert.Equal(("mailed@example.com", "Finish your registration at Sendcat"), (unfinished.To.Single(), unfinished.Subject));
        await mails.SettleAsync();
        Assert.Equal(3, mails.Resend.Mails.Count);
    }

    [Fact]
    public async Task An_account_is_unconfirmed_until_its_confirmation_token_is_submitted()
    {
        await using var mails = await MailApi.StartAsync(postgres);
        var api = mails.Api;
        var (user, tokens) = await api.UserAsync("confirm@example.com", Password);
        var token = MailApi.TokenIn(await mails.NextMailAsync(), "confirm-email");

        Assert.False((bool)(await (await user.GetAsync("/api/auth/me")).JsonAsync())["emailConfirmed"]!);
        Assert.True(Read(api, (string)tokens["accessToken"]!).HasGuestLimits);
        var changed = token.ToCharArray();
        changed[^2] = changed[^2] == 'A' ? 'B' : 'A';
        await (await ConfirmAsync(api, new string(changed))).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.Equal(HttpStatusCode.NoContent, (await ConfirmAsync(api, token)).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await ConfirmAsync(api, token)).StatusCode);

        Assert.True((bool)(await (await user.GetAsync("/api/auth/me")).JsonAsync())["emailConfirmed"]!);
        var refreshed = await (await api.Anyone.PostAsJsonAsync(
            "/api/auth/refresh", new { refreshToken = (string)tokens["refreshToken"]! })).JsonAsync();
        Assert.False(Read(api, (string)refreshed["accessToken"]!).HasGuestLimits);
        var signedIn = await (await api.Anyone.PostAsJsonAsync(
            "/api/auth/login", new { email = "confirm@example.com", password = Password })).JsonAsync();
        Assert.False(Read(api, (string)signedIn["accessToken"]!).HasGuestLimits);
    }

    [Fact]
    public async Task Reset_and_confirmation_tokens_are_rejected_for_each_others_purpose()
    {
        await using var mails = await MailApi.StartAsync(postgres);
        var api = mails.Api;
        await api.UserAsync("purpose@example.com", Password);
        var confirmation = MailApi.TokenIn(await mails.NextMailAsync(), "confirm-email");
        await api.Anyone.PostAsJsonAsync("/api/auth/forgot-password", new { email = "purpose@example.com" });
        var reset = MailApi.TokenIn(await mails.NextMailAsync(), "reset-password");

        await (await ConfirmAsync(api, reset)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await api.Anyone.PostAsJsonAsync("/api/auth/reset-password", new { token = confirmation, newPassword = "another horse 2" }))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task A_password_reset_by_the_mailbox_owner_confirms_the_account_and_revokes_earlier_sign_ins()
    {
        await using var mails = await MailApi.StartAsync(postgres);
        var api = mails.Api;
        var (squatter, squatterTokens) = await api.UserAsync("victim@example.com", "the squatter's 1");
        await mails.NextMailAsync();
        await AdvanceOneDayAsync(api);
        await RegisterAsync(api, "victim@example.com");
        var reset = MailApi.TokenIn(await mails.NextMailAsync(), "reset-password");

        Assert.Equal(
            HttpStatusCode.NoContent,
            (await api.Anyone.PostAsJsonAsync(
                "/api/auth/reset-password", new { token = reset, newPassword = "the owner's 2" })).StatusCode);

        await (await squatter.GetAsync("/api/auth/me")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await api.Anyone.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = (string)squatterTokens["refreshToken"]! }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = "victim@example.com", password = "the squatter's 1" }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        var owner = await (await api.Anyone.PostAsJsonAsync(
            "/api/auth/login", new { email = "victim@example.com", password = "the owner's 2" })).JsonAsync();
        Assert.False(Read(api, (string)owner["accessToken"]!).HasGuestLimits);

        await AdvanceOneDayAsync(api);
        await RegisterAsync(api, "victim@example.com");
        await RegisterAsync(api, "last@example.com");
        Assert.Equal("last@example.com", (await mails.NextMailAsync()).To.Single());
    }

    [Theory]
    [InlineData("drill@drills.example.com", true)]
    [InlineData("drill@DRILLS.example.com", true)]
    [InlineData("drill@example.com", false)]
    [InlineData("drill@other.drills.example.com", false)]
    public async Task Addresses_of_a_configured_domain_are_confirmed_at_registration(string email, bool confirmed)
    {
        await using var api = await SendcatApi.StartAsync(
            postgres, new() { ["AUTH_CONFIRMED_DOMAINS"] = "elsewhere.example, drills.example.com" });
        var (user, _) = await api.UserAsync(email, Password);
        Assert.Equal(confirmed, (bool)(await (await user.GetAsync("/api/auth/me")).JsonAsync())["emailConfirmed"]!);
    }

    [Fact]
    public async Task Reading_a_confirmed_user_is_403_for_an_unconfirmed_user_and_401_without_identity()
    {
        var api = await postgres.ApiAsync();
        var principals = api.Services.GetRequiredService<Principals>();
        var tokens = api.Services.GetRequiredService<AccessTokens>();

        Assert.True(principals.ReadConfirmedUser(ContextWith(tokens.Issue(new("u", Guid.NewGuid())))).TryGet(out var confirmed, out _));
        Assert.False(
            principals.ReadConfirmedUser(ContextWith(tokens.Issue(new("u", Guid.NewGuid(), EmailConfirmed: false))))
                .TryGet(out _, out var unconfirmed));
        Assert.False(principals.ReadConfirmedUser(new DefaultHttpContext()).TryGet(out _, out var anonymous));
        Assert.False(confirmed.HasGuestLimits);
        Assert.Equal((403, "forbidden", 401), (unconfirmed!.Status, unconfirmed.Code, anonymous!.Status));
    }

    [Fact]
    public async Task The_migration_marks_existing_accounts_as_confirmed()
    {
        var options = new DbContextOptionsBuilder<SendcatDb>().UseNpgsql(await postgres.CreateDatabaseAsync());
        Schema.Configure(options);
        await using var db = new SendcatDb(options.Options);
        var migrator = db.GetService<IMigrator>();
        await migrator.MigrateAsync("RevokedFamilies");
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into users (id, created_at, user_name, normalized_user_name, email, normalized_email, email_confirmed,
              phone_number_confirmed, two_factor_enabled, lockout_enabled, access_failed_count)
            values ('before', now(), 'b@x.y', 'B@X.Y', 'b@x.y', 'B@X.Y', false, false, false, true, 0)
            """);

        await migrator.MigrateAsync();

        Assert.True(await db.Users.Where(u => u.Id == "before").Select(u => u.EmailConfirmed).SingleAsync());
    }

    private static DefaultHttpContext ContextWith(string bearer) =>
        new() { Request = { Headers = { Authorization = $"Bearer {bearer}" } } };

    private static Principal Read(SendcatApi api, string bearer)
    {
        Assert.True(api.Services.GetRequiredService<Principals>().Read(ContextWith(bearer)).TryGet(out var principal, out _));
        return principal;
    }

    private static string[] HeaderNames(HttpResponseMessage response) =>
        [.. response.Headers.Select(header => header.Key).Order(StringComparer.Ordinal)];

    private static Task AdvanceOneDayAsync(SendcatApi api) => api.ExecuteAsync(
        "update registration_mails set mailed_at = mailed_at - interval '25 hours', asked_at = asked_at - interval '25 hours'");

    private static Task<HttpResponseMessage> ConfirmAsync(SendcatApi api, string token) =>
        api.Anyone.PostAsJsonAsync("/api/auth/confirm", new { token });

    private static async Task RegisterAsync(SendcatApi api, string email) =>
        Assert.Equal(
            HttpStatusCode.OK, (await api.Anyone.PostAsJsonAsync("/api/auth/register", new { email, password = Password })).StatusCode);
}
