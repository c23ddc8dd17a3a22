using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Identity;

namespace Sendcat.ContractTests.Identity;

public sealed class RegistrationTests(PostgresFixture postgres)
{
    private const string Password = "correct horse 1";

    [Fact]
    public async Task A_free_and_a_taken_address_get_the_same_answer_and_neither_claims_a_session()
    {
        var api = await postgres.ApiAsync();
        var guest = await api.GuestAsync();
        var sessionId = guest.DefaultRequestHeaders.GetValues("x-sendcat-session").Single();
        (await guest.PostAsJsonAsync("/api/threads", new { })).EnsureSuccessStatusCode();

        using var free = await api.Anyone.PostAsJsonAsync("/api/auth/register", new { email = "alike@example.com", password = Password, sessionId });
        using var taken = await api.Anyone.PostAsJsonAsync("/api/auth/register", new { email = "alike@example.com", password = "another horse 2", sessionId });

        Assert.Equal((free.StatusCode, await free.Content.ReadAsStringAsync()), (taken.StatusCode, await taken.Content.ReadAsStringAsync()));
        Assert.Equal(Names(free), Names(taken));
        Assert.Single((await (await guest.GetAsync("/api/threads")).JsonAsync())["items"]!.AsArray());
        Assert.Equal(0, await api.ScalarAsync<long>("select count(*) from threads where user_id = (select id from users where email = 'alike@example.com')"));
    }

    [Fact]
    public async Task Registering_mails_an_address_once_a_day_at_most()
    {
        await using var resend = await ResendServer.StartAsync();
        await using var api = await StartAsync(resend);

        for (var n = 0; n < 3; n++)
        {
            await RegisterAsync(api, "mailed@example.com");
        }

        await RegisterAsync(api, "next@example.com");
        var (welcome, _) = await resend.Mails.ReadAsync();
        var (next, _) = await resend.Mails.ReadAsync();
        Assert.Equal(("mailed@example.com", "next@example.com"), ((string)welcome["to"]!, (string)next["to"]!));

        await DayPassesAsync(api);
        await RegisterAsync(api, "mailed@example.com");
        await RegisterAsync(api, "mailed@example.com");
        var (unfinished, _) = await resend.Mails.ReadAsync();
        Assert.Equal(("mailed@example.com", "Finish your registration at Sendcat"), ((string)unfinished["to"]!, (string)unfinished["subject"]!));
        Assert.False(resend.Mails.TryRead(out _));
    }

    [Fact]
    public async Task An_account_is_unconfirmed_until_its_mail_is_answered()
    {
        await using var resend = await ResendServer.StartAsync();
        await using var api = await StartAsync(resend);
        var (user, tokens) = await api.UserAsync("confirm@example.com", Password);
        var token = TokenIn(await resend.Mails.ReadAsync(), "confirm-email");

        Assert.False((bool)(await (await user.GetAsync("/api/auth/me")).JsonAsync())["emailConfirmed"]!);
        Assert.True(Read(api, (string)tokens["accessToken"]!).HasGuestLimits);
        var changed = token.ToCharArray();
        changed[^2] = changed[^2] == 'A' ? 'B' : 'A';
        await (await ConfirmAsync(api, new string(changed))).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.Equal(HttpStatusCode.NoContent, (await ConfirmAsync(api, token)).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await ConfirmAsync(api, token)).StatusCode);

        Assert.True((bool)(await (await user.GetAsync("/api/auth/me")).JsonAsync())["emailConfirmed"]!);
        var refreshed = await (await api.Anyone.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = (string)tokens["refreshToken"]! })).JsonAsync();
        Assert.False(Read(api, (string)refreshed["accessToken"]!).HasGuestLimits);
        var signedIn = await (await api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = "confirm@example.com", password = Password })).JsonAsync();
        Assert.False(Read(api, (string)signedIn["accessToken"]!).HasGuestLimits);
    }

    [Fact]
    public async Task A_token_of_another_purpose_confirms_nothing_and_a_confirmation_resets_nothing()
    {
        await using var resend = await ResendServer.StartAsync();
        await using var api = await StartAsync(resend);
        await api.UserAsync("purpose@example.com", Password);
        var confirmation = TokenIn(await resend.Mails.ReadAsync(), "confirm-email");
        await api.Anyone.PostAsJsonAsync("/api/auth/forgot-password", new { email = "purpose@example.com" });
        var reset = TokenIn(await resend.Mails.ReadAsync(), "reset-password");

        await (await ConfirmAsync(api, reset)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await api.Anyone.PostAsJsonAsync("/api/auth/reset-password", new { token = confirmation, newPassword = "another horse 2" })).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task The_owner_of_a_mailbox_takes_an_unconfirmed_account_from_whoever_registered_it()
    {
        await using var resend = await ResendServer.StartAsync();
        await using var api = await StartAsync(resend);
        var (squatter, squatterTokens) = await api.UserAsync("victim@example.com", "the squatter's 1");
        await resend.Mails.ReadAsync();
        await DayPassesAsync(api);
        await RegisterAsync(api, "victim@example.com");
        var reset = TokenIn(await resend.Mails.ReadAsync(), "reset-password");

        Assert.Equal(HttpStatusCode.NoContent, (await api.Anyone.PostAsJsonAsync("/api/auth/reset-password", new { token = reset, newPassword = "the owner's 2" })).StatusCode);

        await (await squatter.GetAsync("/api/auth/me")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await api.Anyone.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = (string)squatterTokens["refreshToken"]! })).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = "victim@example.com", password = "the squatter's 1" })).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        var owner = await (await api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = "victim@example.com", password = "the owner's 2" })).JsonAsync();
        Assert.False(Read(api, (string)owner["accessToken"]!).HasGuestLimits);

        await DayPassesAsync(api);
        await RegisterAsync(api, "victim@example.com");
        await RegisterAsync(api, "last@example.com");
        Assert.Equal("last@example.com", (string)(await resend.Mails.ReadAsync()).Mail["to"]!);
    }

    [Theory]
    [InlineData("drill@drills.example.com", true)]
    [InlineData("drill@DRILLS.example.com", true)]
    [InlineData("drill@example.com", false)]
    [InlineData("drill@other.drills.example.com", false)]
    public async Task Addresses_of_a_configured_domain_are_confirmed_at_once(string email, bool confirmed)
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["AUTH_CONFIRMED_DOMAINS"] = "elsewhere.example, drills.example.com" });
        var (user, _) = await api.UserAsync(email, Password);
        Assert.Equal(confirmed, (bool)(await (await user.GetAsync("/api/auth/me")).JsonAsync())["emailConfirmed"]!);
    }

    [Fact]
    public async Task Only_a_confirmed_user_may_connect_anything()
    {
        var api = await postgres.ApiAsync();
        var principals = api.Services.GetRequiredService<Principals>();
        var tokens = api.Services.GetRequiredService<AccessTokens>();

        Assert.True(principals.ReadConfirmedUser(With(tokens.Issue(new("u", Guid.NewGuid())))).TryGet(out var confirmed, out _));
        Assert.False(principals.ReadConfirmedUser(With(tokens.Issue(new("u", Guid.NewGuid(), EmailConfirmed: false)))).TryGet(out _, out var unconfirmed));
        Assert.False(principals.ReadConfirmedUser(new DefaultHttpContext()).TryGet(out _, out var nobody));
        Assert.False(confirmed.HasGuestLimits);
        Assert.Equal((403, "forbidden", 401), (unconfirmed!.Status, unconfirmed.Code, nobody!.Status));
    }

    [Fact]
    public async Task Accounts_from_before_count_as_confirmed()
    {
        var options = new DbContextOptionsBuilder<SendcatDb>().UseNpgsql(await postgres.CreateDatabaseAsync());
        Schema.Configure(options);
        await using var db = new SendcatDb(options.Options);
        var migrator = db.GetService<IMigrator>();
        await migrator.MigrateAsync("RevokedFamilies");
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into users (id, created_at, user_name, normalized_user_name, email, normalized_email, email_confirmed, phone_number_confirmed, two_factor_enabled, lockout_enabled, access_failed_count)
            values ('before', now(), 'b@x.y', 'B@X.Y', 'b@x.y', 'B@X.Y', false, false, false, true, 0)
            """);

        await migrator.MigrateAsync();

        Assert.True(await db.Users.Where(u => u.Id == "before").Select(u => u.EmailConfirmed).SingleAsync());
    }

    private static DefaultHttpContext With(string bearer) => new() { Request = { Headers = { Authorization = $"Bearer {bearer}" } } };

    private static Principal Read(SendcatApi api, string bearer)
    {
        Assert.True(api.Services.GetRequiredService<Principals>().Read(With(bearer)).TryGet(out var principal, out _));
        return principal;
    }

    private static string[] Names(HttpResponseMessage answer) => [.. answer.Headers.Select(header => header.Key).Order(StringComparer.Ordinal)];

    private static string TokenIn((System.Text.Json.Nodes.JsonNode Mail, IHeaderDictionary Headers) mail, string page) => Uri.UnescapeDataString(
        ((string)mail.Mail["text"]!).Split(' ', '\n').Single(word => word.StartsWith($"https://sendcat.app/{page}?token=", StringComparison.Ordinal)).Split("token=")[1]);

    private static Task DayPassesAsync(SendcatApi api) => api.ExecuteAsync("update registration_mails set mailed_at = mailed_at - interval '25 hours', asked_at = asked_at - interval '25 hours'");

    private static Task<HttpResponseMessage> ConfirmAsync(SendcatApi api, string token) => api.Anyone.PostAsJsonAsync("/api/auth/confirm", new { token });

    private static async Task RegisterAsync(SendcatApi api, string email) =>
        Assert.Equal(HttpStatusCode.OK, (await api.Anyone.PostAsJsonAsync("/api/auth/register", new { email, password = Password })).StatusCode);

    private Task<SendcatApi> StartAsync(ResendServer resend) =>
        SendcatApi.StartAsync(postgres, new() { ["RESEND_API_KEY"] = "re_test", ["RESEND_BASE_URL"] = resend.Address, ["APP_URL"] = "https://sendcat.app" });
}
