using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ContractTests.Mail;
using Sendcat.ContractTests.Orders;
using Sendcat.Integrations.Orders;
using Sendcat.UpstreamEmulator.Resend;

namespace Sendcat.ContractTests.Identity;

/// <summary>Changes of password and address, and the deletion of an account.</summary>
public sealed class AccountChangesTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    private const string Password = "correct horse 1";
    private const string NewPassword = "another horse 2";

    [Fact]
    public async Task A_changed_password_ends_all_other_sign_ins_and_starts_a_new_one()
    {
        var email = Address();
        var (user, tokens) = await Api.UserAsync(email, Password);
        var other = await SignInAsync(email, Password);

        var changed = await (await ChangePasswordAsync(user, Password, NewPassword)).JsonAsync();

        Assert.Equal(HttpStatusCode.OK, (await Api.WithBearer((string)changed["accessToken"]!).GetAsync("/api/auth/me")).StatusCode);
        await (await RefreshAsync((string)changed["refreshToken"]!)).JsonAsync();
        await (await user.GetAsync("/api/auth/me")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await RefreshAsync((string)tokens["refreshToken"]!)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await RefreshAsync((string)(await other.JsonAsync())["refreshToken"]!))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await SignInAsync(email, Password)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await SignInAsync(email, NewPassword)).JsonAsync();
    }

    [Fact]
    public async Task Every_change_requires_the_password_and_a_signed_in_user()
    {
        var email = Address();
        var (user, _) = await Api.UserAsync(email, Password);

        await (await ChangePasswordAsync(user, "a wrong one 3", NewPassword)).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await ChangeEmailAsync(user, "a wrong one 3", Address())).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await DeleteAsync(user, "a wrong one 3")).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await ChangePasswordAsync(user, Password, "too short")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await ChangePasswordAsync(Guest, Password, NewPassword)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await ChangeEmailAsync(Guest, Password, Address())).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await DeleteAsync(Guest, Password)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await SignInAsync(email, Password)).JsonAsync();
    }

    [Fact]
    public async Task Wrong_passwords_of_a_stolen_token_count_as_failed_sign_ins()
    {
        await using var api = await SendcatApi.StartAsync(Postgres, new() { ["RATE_LIMIT_SIGN_IN_MAX"] = "3" });
        var (user, _) = await api.UserAsync(Address(), Password);

        for (var guess = 0; guess < 3; guess++)
        {
            await (await DeleteAsync(user, "a wrong one 3")).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        }

        await (await DeleteAsync(user, Password)).RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
        await (await ChangePasswordAsync(user, Password, NewPassword)).RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
    }

    [Fact]
    public async Task A_new_address_counts_when_its_mailbox_has_confirmed_it()
    {
        await using var mails = await MailApi.StartAsync(Postgres);
        var api = mails.Api;
        var (user, tokens) = await api.UserAsync("old@example.com", Password);
        await mails.NextMailAsync();

        Assert.Equal(HttpStatusCode.Accepted, (await ChangeEmailAsync(user, Password, "new@example.com")).StatusCode);
        var mail = await mails.NextMailAsync();
        Assert.Equal("new@example.com", mail.To.Single());
        Assert.Equal("old@example.com", (string)(await (await user.GetAsync("/api/auth/me")).JsonAsync())["email"]!);
        var link = LinkIn(mail);

        await (await ConfirmAsync(api, link.Token, "third@example.com")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.Equal(HttpStatusCode.NoContent, (await ConfirmAsync(api, link.Token, link.Email)).StatusCode);
        await (await ConfirmAsync(api, link.Token, link.Email)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");

        var me = await (await user.GetAsync("/api/auth/me")).JsonAsync();
        Assert.Equal(("new@example.com", true), ((string)me["email"]!, (bool)me["emailConfirmed"]!));
        Assert.Equal("new@example.com", (string)(await (await user.GetAsync("/api/profile")).JsonAsync())["email"]!);
        var notice = await mails.NextMailAsync();
        Assert.Equal(("old@example.com", "Your Sendcat address was changed"), (notice.To.Single(), notice.Subject));
        await (await api.Anyone.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = (string)tokens["refreshToken"]! })).JsonAsync();
        await (await api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = "new@example.com", password = Password })).JsonAsync();
        await (await api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = "old@example.com", password = Password }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_taken_address_gets_the_same_response_no_mail_and_is_never_moved()
    {
        await using var mails = await MailApi.StartAsync(Postgres);
        var api = mails.Api;
        var (user, _) = await api.UserAsync("mover@example.com", Password);
        await mails.NextMailAsync();
        Assert.Equal(HttpStatusCode.Accepted, (await ChangeEmailAsync(user, Password, "wanted@example.com")).StatusCode);
        var link = LinkIn(await mails.NextMailAsync());
        await api.UserAsync("wanted@example.com", Password);
        await mails.NextMailAsync();

        Assert.Equal(HttpStatusCode.Accepted, (await ChangeEmailAsync(user, Password, "wanted@example.com")).StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, (await ChangeEmailAsync(user, Password, "free@example.com")).StatusCode);
        Assert.Equal("free@example.com", (await mails.NextMailAsync()).To.Single());
        await (await ConfirmAsync(api, link.Token, link.Email)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.Equal("mover@example.com", (string)(await (await user.GetAsync("/api/auth/me")).JsonAsync())["email"]!);
    }

    [Fact]
    public async Task A_deleted_account_leaves_no_row_that_mentions_it_and_its_address_is_free()
    {
        await using var mails = await MailApi.StartAsync(Postgres);
        var (api, email) = (mails.Api, Address());
        var (user, tokens) = await api.UserAsync(email, Password);
        var userId = (string)(await (await user.GetAsync("/api/auth/me")).JsonAsync())["id"]!;
        var thread = (string)(await (await user.PostAsJsonAsync("/api/threads", new { title = "Shoes" })).JsonAsync())["id"]!;
        await (await user.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = "red shoes" })).JsonAsync();
        await (await user.PostAsync($"/api/threads/{thread}/share", "{}".AsJson())).JsonAsync();
        await (await user.PostAsJsonAsync("/api/favorites/lists", new { name = "Gifts" })).JsonAsync();
        await (await user.PutAsJsonAsync("/api/preferences", new { autoCreatePreAlerts = true })).JsonAsync();
        await api.Services.GetRequiredService<OrderIntake>().RecordAsync(
            ExtractedMails.Source(userId, "m1"), ExtractedMails.Of(ExtractedMails.Order("A-100000001", parcels: ["1Z999AA10123456784"])),
            CancellationToken.None);
        await (await user.PostAsync("/api/packages/seed", null)).JsonAsync();
        await api.ExecuteAsync(
            $"""
            INSERT INTO reliability.tool_jobs (id, tool, qos_class, principal, args, status, max_attempts, available_at, fair_at,
              announced_at, created_at, updated_at)
            SELECT gen_random_uuid(), 'search_web', 'realtime', 'user:{userId}', 'shoes', status, 1, now() + interval '1 day', now(), now(),
              now(), now()
            FROM unnest(ARRAY['queued', 'completed']) AS status
            """);

        Assert.Equal(HttpStatusCode.NoContent, (await DeleteAsync(user, Password)).StatusCode);

        await mails.SettleAsync();
        Assert.Equal([], await TablesThatMentionAsync(api, userId, email));
        Assert.Equal(0, await api.ScalarAsync<long>($"SELECT count(*) FROM messages WHERE thread_id = '{thread}'"));
        await (await user.GetAsync("/api/threads")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await api.Anyone.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = (string)tokens["refreshToken"]! }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await api.Anyone.PostAsJsonAsync("/api/auth/login", new { email, password = Password }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        var (again, _) = await api.UserAsync(email, NewPassword);
        Assert.Empty((await (await again.GetAsync("/api/threads")).JsonAsync())["items"]!.AsArray());
    }

    [Fact]
    public async Task An_account_whose_threads_take_longer_to_delete_than_one_statement_may_is_deleted()
    {
        await using var api = await SendcatApi.StartAsync(Postgres, new() { ["POSTGRES_STATEMENT_TIMEOUT_MS"] = "2500" });
        var (user, _) = await api.UserAsync(Address(), Password);
        await api.ExecuteAsync(
            """
            INSERT INTO threads (id, session_id, user_id, created_at, last_message_at)
            SELECT gen_random_uuid(), gen_random_uuid()::text, u.id, now(), now() FROM users u, generate_series(1, 40);
            CREATE FUNCTION sleep_before_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN OLD; END $$;
            CREATE TRIGGER sleep_before_delete BEFORE DELETE ON threads FOR EACH ROW EXECUTE FUNCTION sleep_before_delete();
            """);

        Assert.Equal(HttpStatusCode.NoContent, (await DeleteAsync(user, Password)).StatusCode);

        Assert.Equal(0, await api.ScalarAsync<long>("SELECT count(*) FROM threads"));
        Assert.Equal(0, await api.ScalarAsync<long>("SELECT count(*) FROM users"));
    }

    [Fact]
    public async Task A_patch_changes_only_the_fields_it_contains()
    {
        var (user, _) = await Api.UserAsync(Address(), Password);
        var address = new { streetAddress = "1 Hope Road", city = "Kingston", parish = "St. Andrew" };
        await (await user.PutAsJsonAsync("/api/profile", new { fullName = "Mary", phone = "8765550100", trn = "123-456-789", address }))
            .JsonAsync();

        var both = await Task.WhenAll(
            user.PatchAsync("/api/profile", """{"phone":null,"address":{"parish":"Portland","postalCode":"JMCPD01"}}""".AsJson()),
            user.PatchAsync("/api/profile", """{"fullName":"Mary Seacole","dob":1}""".AsJson()));

        Assert.All(both, response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        var expected = JsonNode.Parse(
            """
            {"fullName":"Mary Seacole","dob":1,"trn":"123-456-789",
             "address":{"streetAddress":"1 Hope Road","city":"Kingston","parish":"Portland","postalCode":"JMCPD01"}}
            """);
        Assert.True(JsonNode.DeepEquals(expected, await (await user.GetAsync("/api/profile")).JsonAsync()));
    }

    [Theory]
    [InlineData("""{"fullName":5}""", "invalid_request")]
    [InlineData("""{"dob":"yesterday"}""", "invalid_request")]
    [InlineData("""{"dob":1.5}""", "invalid_request")]
    [InlineData("""{"address":"Kingston"}""", "invalid_request")]
    [InlineData("""{"address":{"city":7}}""", "invalid_request")]
    [InlineData("""{"address":{"city":"Kingston"}}""", "invalid_request")]
    [InlineData("""{"trn":"12"}""", "invalid_request")]
    [InlineData("""{"fullName":"half \ud83d"}""", "invalid_json")]
    [InlineData("""[]""", "invalid_request")]
    public async Task An_invalid_patch_changes_nothing(string body, string code)
    {
        await (await Guest.PutAsJsonAsync("/api/profile", new { fullName = "Guest" })).JsonAsync();

        await (await Guest.PatchAsync("/api/profile", body.AsJson())).RefusedAsync(HttpStatusCode.BadRequest, code);

        Assert.Equal("""{"fullName":"Guest"}""", await (await Guest.GetAsync("/api/profile")).Content.ReadAsStringAsync());
    }

    /// <summary>The tables of all schemas with a row that contains one of the texts.</summary>
    private static async Task<List<string>> TablesThatMentionAsync(SendcatApi api, params string[] texts)
    {
        var tables = new List<string>();
        await using (var command = api.Database.CreateCommand(
            """
            SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
            WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
            """))
        {
            await using var rows = await command.ExecuteReaderAsync();
            while (await rows.ReadAsync())
            {
                tables.Add(rows.GetString(0));
            }
        }

        Assert.Contains("public.threads", tables);
        var mentioning = new List<string>();
        foreach (var table in tables)
        {
            var found = string.Join(" OR ", texts.Select(text => $"t::text ILIKE '%{text}%'"));
            if (await api.ScalarAsync<bool>($"SELECT EXISTS (SELECT FROM {table} t WHERE {found})"))
            {
                mentioning.Add(table);
            }
        }

        return mentioning;
    }

    private static string Address() => $"{Guid.NewGuid():N}@example.com";

    private static (string Token, string Email) LinkIn(ReceivedMail mail) => (
        MailApi.TokenIn(mail, "confirm-email-change"),
        Uri.UnescapeDataString(MailApi.LinkIn(mail, "confirm-email-change").Query.Split("&email=")[1]));

    private Task<HttpResponseMessage> SignInAsync(string email, string password) =>
        Api.Anyone.PostAsJsonAsync("/api/auth/login", new { email, password });

    private Task<HttpResponseMessage> RefreshAsync(string refreshToken) =>
        Api.Anyone.PostAsJsonAsync("/api/auth/refresh", new { refreshToken });

    private static Task<HttpResponseMessage> ChangePasswordAsync(HttpClient user, string currentPassword, string newPassword) =>
        user.PostAsJsonAsync("/api/auth/change-password", new { currentPassword, newPassword });

    private static Task<HttpResponseMessage> ChangeEmailAsync(HttpClient user, string password, string newEmail) =>
        user.PostAsJsonAsync("/api/auth/change-email", new { password, newEmail });

    private static Task<HttpResponseMessage> ConfirmAsync(SendcatApi api, string token, string email) =>
        api.Anyone.PostAsJsonAsync("/api/auth/confirm-email-change", new { token, email });

    private static Task<HttpResponseMessage> DeleteAsync(HttpClient user, string password) =>
        user.PostAsJsonAsync("/api/auth/delete-account", new { password });
}
