using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Npgsql;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ContractTests.Mail;

/// <summary>The lane of mails: retries, dead letters, late mails, and what Postgres stores of a mail.</summary>
public sealed class DeliveryTests(PostgresFixture postgres)
{
    private const string Password = "correct horse 1";
    private const string DeadLettersPath = "/api/ops/tool-jobs/dead-letters";

    [Theory]
    [InlineData("status=500 times=3")]
    [InlineData("body=bad-json times=1")]
    [InlineData("cut=fin times=1")]
    [InlineData("status=409 times=2")]
    [InlineData("status=401 times=2")]
    public async Task A_mail_leaves_once_although_Resend_fails_for_a_while(string fault)
    {
        await using var mails = await MailApi.StartAsync(postgres, ("CIRCUIT_RESEND_THRESHOLD", "100"));
        mails.Resend.DirectRest($"[[emu at=resend {fault}]]");

        await RegisterAsync(mails, "ann@example.com");
        await mails.SettleAsync();

        Assert.Equal("Welcome to Sendcat", Assert.Single(mails.Resend.Mails).Subject);
        Assert.Equal("completed", await mails.Api.ScalarAsync<string>("SELECT status FROM reliability.tool_jobs"));
        Assert.True(await mails.Api.ScalarAsync<int>("SELECT attempts FROM reliability.tool_jobs") > 1);
    }

    [Fact]
    public async Task A_refusal_for_rate_or_an_open_circuit_costs_no_attempt()
    {
        await using var mails = await MailApi.StartAsync(
            postgres, ("DELIVERY_MAX_ATTEMPTS", "2"), ("CIRCUIT_RESEND_THRESHOLD", "1"), ("CIRCUIT_RESEND_COOLDOWN_MS", "1000"));
        mails.Resend.DirectRest("[[emu at=resend status=429 retry-after=1 times=3]]");

        await RegisterAsync(mails, "ann@example.com");
        await mails.SettleAsync();

        Assert.Single(mails.Resend.Mails);
        Assert.Equal(1, await mails.Api.ScalarAsync<int>("SELECT attempts FROM reliability.tool_jobs"));
    }

    [Fact]
    public async Task A_recipient_that_Resend_refuses_is_a_dead_letter_that_operators_see_and_replay()
    {
        await using var mails = await MailApi.StartAsync(postgres);
        mails.Resend.DirectRest("[[emu at=resend status=422]]");
        var operators = mails.Api.WithBearer(SendcatApi.OpsKey);

        await RegisterAsync(mails, "ann@example.com");
        await mails.SettleAsync();
        var letter = Assert.Single(
            (await (await operators.GetAsync($"{DeadLettersPath}?tool=deliveries")).JsonAsync())["items"]!.AsArray())!;
        mails.Resend.ClearRestDirections();
        var replayed = await (await operators.PostAsync($"{DeadLettersPath}/requeue", """{"tool":"deliveries"}""".AsJson())).JsonAsync();
        var mail = await mails.NextMailAsync();
        await mails.SettleAsync();

        Assert.Equal(
            ("resend: HTTP 422 validation_error", "rejected", 1, "welcome", "ann@example.com"),
            (
                (string)letter["error"]!, (string)letter["reason"]!, (int)letter["attempts"]!, (string)letter["arguments"]!["kind"]!,
                (string)letter["arguments"]!["address"]!));
        Assert.Equal((1, (string)letter["id"]!), ((int)replayed["changed"]!, mail.IdempotencyKey));
        var queue = await (await operators.GetAsync("/api/ops/tool-jobs")).JsonAsync();
        Assert.Equal((1, 0), ((int)queue["byTool"]!["deliveries"]!["completed"]!, (int)queue["byTool"]!["deliveries"]!["deadLetter"]!));
        Assert.Contains("deliveries_dead_letter_depth", queue["health"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_a_mail_is_a_dead_letter()
    {
        await using var mails = await MailApi.StartAsync(postgres, ("RESEND_API_KEY", ""));

        await RegisterAsync(mails, "ann@example.com");
        await mails.SettleAsync();

        Assert.Equal(
            "RESEND_API_KEY is not set.",
            await mails.Api.ScalarAsync<string>("SELECT last_error FROM reliability.tool_jobs WHERE status = 'dead_letter'"));
    }

    [Fact]
    public async Task A_mail_whose_link_has_expired_is_not_sent()
    {
        await using var mails = await MailApi.StartAsync(postgres, ("DELIVERY_RETRY_BASE_MS", "600000"));
        await mails.Api.UserAsync("ann@example.com", Password);
        await mails.NextMailAsync();
        mails.Resend.DirectRest("[[emu at=resend status=500 times=1]]");

        await ForgotAsync(mails, "ann@example.com");
        await mails.UntilAsync("SELECT EXISTS (SELECT FROM reliability.tool_jobs WHERE status = 'queued' AND last_error IS NOT NULL)");
        await mails.Api.ExecuteAsync(
            """
            UPDATE reliability.tool_jobs SET available_at = now(), args = jsonb_set(args::jsonb, '{requestedAt}',
                to_jsonb(now() - interval '61 minutes'))::text
            WHERE args LIKE '%password_reset%'
            """);
        await mails.SettleAsync();

        Assert.Single(mails.Resend.Mails);
        Assert.Equal(
            "The mail is too late.",
            await mails.Api.ScalarAsync<string>("SELECT last_error FROM reliability.tool_jobs WHERE status = 'failed'"));
    }

    [Theory]
    [InlineData("status=500", 0)]
    [InlineData("status=401", 1)]
    public async Task A_mail_that_may_have_been_sent_is_not_sent_when_Resend_has_forgotten_its_key(string fault, int sent)
    {
        await using var mails = await MailApi.StartAsync(postgres, ("DELIVERY_RETRY_BASE_MS", "600000"));
        mails.Resend.DirectRest($"[[emu at=resend {fault} times=1]]");
        await RegisterAsync(mails, "ann@example.com");
        await mails.UntilAsync("SELECT EXISTS (SELECT FROM reliability.tool_jobs WHERE status = 'queued' AND last_error IS NOT NULL)");

        await mails.Api.ExecuteAsync(
            """
            UPDATE reliability.tool_jobs SET available_at = now(),
                args = jsonb_set(args::jsonb, '{requestedAt}', to_jsonb(now() - interval '25 hours'))::text,
                history = jsonb_set(history, '{0,startedAt}', to_jsonb(now() - interval '25 hours'))
            """);
        await mails.SettleAsync();

        Assert.Equal(sent, mails.Resend.Mails.Count);
        Assert.Equal(
            sent == 0 ? "failed" : "completed",
            await mails.Api.ScalarAsync<string>("SELECT status FROM reliability.tool_jobs"));
    }

    [Theory]
    [InlineData("welcome")]
    [InlineData("unfinished_registration")]
    [InlineData("password_reset")]
    [InlineData("address_confirmation")]
    public async Task A_link_that_was_requested_before_a_change_of_the_password_is_not_sent_after_it(string kind)
    {
        await using var mails = await MailApi.StartAsync(postgres, ("DELIVERY_RETRY_BASE_MS", "600000"));
        const string Refusal = "[[emu at=resend status=500 times=1 key=first]]";
        if (kind == "welcome")
        {
            mails.Resend.DirectRest(Refusal);
        }

        var (user, _) = await mails.Api.UserAsync("ann@example.com", Password);
        if (kind != "welcome")
        {
            await mails.SettleAsync();
            mails.Resend.DirectRest(Refusal);
            await RequestAsync();
        }

        await mails.UntilAsync("SELECT EXISTS (SELECT FROM reliability.tool_jobs WHERE status = 'queued' AND last_error IS NOT NULL)");
        using var changed = await user.PostAsJsonAsync(
            "/api/auth/change-password", new { currentPassword = Password, newPassword = "correct horse 2" });
        changed.EnsureSuccessStatusCode();
        await mails.Api.ExecuteAsync("UPDATE reliability.tool_jobs SET available_at = now() WHERE status = 'queued'");
        await mails.SettleAsync();

        const string Notice = "Your Sendcat password was changed";
        string[] sent = kind == "welcome" ? [Notice] : ["Welcome to Sendcat", Notice];
        Assert.Equal(sent, mails.Resend.Mails.Select(mail => mail.Subject).Order(StringComparer.Ordinal));
        Assert.Equal(
            1,
            await mails.Api.ScalarAsync<long>(
                "SELECT count(*) FROM reliability.tool_jobs WHERE status = 'completed' AND result LIKE '%false%'"));

        async Task RequestAsync()
        {
            switch (kind)
            {
                case "unfinished_registration":
                    await mails.Api.ExecuteAsync("UPDATE registration_mails SET mailed_at = mailed_at - interval '2 days'");
                    await RegisterAsync(mails, "ann@example.com");
                    break;
                case "password_reset":
                    await ForgotAsync(mails, "ann@example.com");
                    break;
                case "address_confirmation":
                    await (await user.PostAsJsonAsync(
                        "/api/auth/change-email", new { password = Password, newEmail = "thief@example.com" })).AcceptedAsync();
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown mail.");
            }
        }
    }

    [Fact]
    public async Task Postgres_stores_no_link_and_forgets_the_address_of_a_sent_mail()
    {
        await using var mails = await MailApi.StartAsync(postgres, ("CIRCUIT_RESEND_THRESHOLD", "100"));
        await mails.Api.UserAsync("ann@example.com", Password);
        await mails.NextMailAsync();
        await mails.SettleAsync();
        mails.Resend.DirectRest("[[emu at=resend status=422]]");

        await ForgotAsync(mails, "ann@example.com");
        await mails.SettleAsync();
        mails.Resend.ClearRestDirections();
        await ForgotAsync(mails, "ann@example.com");
        var signature = MailApi.TokenIn(await mails.NextMailAsync(), "reset-password").Split('.')[2];
        await mails.SettleAsync();

        Assert.Equal(
            1,
            await mails.Api.ScalarAsync<long>(
                "SELECT count(*) FROM reliability.tool_jobs WHERE status = 'dead_letter' AND args LIKE '%ann@example.com%'"));
        Assert.Equal(
            2,
            await mails.Api.ScalarAsync<long>(
                "SELECT count(*) FROM reliability.tool_jobs WHERE status = 'completed' AND args = '{}' AND principal = 'erased'"));
        Assert.Equal(
            0,
            await mails.Api.ScalarAsync<long>(
                $"SELECT count(*) FROM reliability.tool_jobs j WHERE j::text LIKE '%{signature}%' OR j::text LIKE '%token%=%'"));
    }

    [Fact]
    public async Task A_reset_request_writes_the_same_job_for_a_known_and_an_unknown_address()
    {
        var api = await postgres.ApiAsync();
        var known = $"{Guid.NewGuid():N}@example.com";
        var unknown = $"{Guid.NewGuid():N}@example.com";
        await api.UserAsync(known, Password);

        Assert.Equal(
            HttpStatusCode.Accepted, (await api.Anyone.PostAsJsonAsync("/api/auth/forgot-password", new { email = known })).StatusCode);
        Assert.Equal(
            HttpStatusCode.Accepted, (await api.Anyone.PostAsJsonAsync("/api/auth/forgot-password", new { email = unknown })).StatusCode);

        var (one, other) = (await ArgumentsAsync(known), await ArgumentsAsync(unknown));
        Assert.Equal(["id", "kind", "address", "requestedAt", "stampDigest"], one.Select(field => field.Key));
        Assert.Equal(one.Select(field => field.Key), other.Select(field => field.Key));

        async Task<JsonObject> ArgumentsAsync(string address) => JsonNode.Parse(await api.ScalarAsync<string>(
            $"SELECT args FROM reliability.tool_jobs WHERE args LIKE '%password_reset%{address}%'"))!.AsObject();
    }

    [Fact]
    public async Task Every_registration_writes_a_job_and_a_repeated_one_sends_nothing()
    {
        await using var mails = await MailApi.StartAsync(postgres);

        await RegisterAsync(mails, "ann@example.com");
        await RegisterAsync(mails, "ann@example.com");
        await mails.SettleAsync();

        Assert.Single(mails.Resend.Mails);
        Assert.Equal(2, await mails.Api.ScalarAsync<long>("SELECT count(*) FROM reliability.tool_jobs WHERE status = 'completed'"));
    }

    [Fact]
    public async Task A_transaction_that_is_rolled_back_enqueues_nothing()
    {
        var api = await postgres.ApiAsync();
        var (kept, undone) = (Entry(), Entry());
        await using var connection = await api.Database.OpenConnectionAsync();
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await EnterAsync(undone);
            await transaction.RollbackAsync();
        }

        await EnterAsync(kept);

        Assert.Equal(
            1, await api.ScalarAsync<long>($"SELECT count(*) FROM reliability.tool_jobs WHERE id IN ('{kept.Id}', '{undone.Id}')"));
        Assert.Equal(
            1, await api.ScalarAsync<long>($"SELECT count(*) FROM reliability.tool_outbox WHERE job_id IN ('{kept.Id}', '{undone.Id}')"));

        async Task EnterAsync(JobEntry entry)
        {
            await using var command = new NpgsqlCommand(JobEntry.Enter, connection);
            command.Parameters.AddRange(entry.Parameters.ToArray());
            await command.ExecuteNonQueryAsync();
        }

        static JobEntry Entry() => new(Guid.CreateVersion7(), QueuedWork.Deliveries.Lane, "mail:NOBODY", "{}", 1);
    }

    [Fact]
    public async Task A_deleted_account_takes_its_waiting_mails_along()
    {
        var api = await postgres.ApiAsync();
        var (email, newEmail) = ($"{Guid.NewGuid():N}@example.com", $"{Guid.NewGuid():N}@example.com");
        var (user, _) = await api.UserAsync(email, Password);
        await (await user.PostAsJsonAsync("/api/auth/change-email", new { password = Password, newEmail })).AcceptedAsync();
        await (await api.Anyone.PostAsJsonAsync("/api/auth/forgot-password", new { email })).AcceptedAsync();
        Assert.Equal(3, await CountAsync());

        (await user.PostAsJsonAsync("/api/auth/delete-account", new { password = Password })).EnsureSuccessStatusCode();

        Assert.Equal(1, await CountAsync());
        Assert.Equal(
            1, await api.ScalarAsync<long>($"SELECT count(*) FROM reliability.tool_jobs WHERE args LIKE '%account_deleted%{email}%'"));

        Task<long> CountAsync() => api.ScalarAsync<long>(
            $"SELECT count(*) FROM reliability.tool_jobs WHERE args LIKE '%{email}%' OR args LIKE '%{newEmail}%'");
    }

    private static async Task RegisterAsync(MailApi mails, string email) =>
        (await mails.Api.Anyone.PostAsJsonAsync("/api/auth/register", new { email, password = Password })).EnsureSuccessStatusCode();

    private static async Task ForgotAsync(MailApi mails, string email) =>
        await (await mails.Api.Anyone.PostAsJsonAsync("/api/auth/forgot-password", new { email })).AcceptedAsync();
}

internal static class AcceptedAssertions
{
    public static async Task AcceptedAsync(this HttpResponseMessage response) =>
        Assert.True(
            response.StatusCode == HttpStatusCode.Accepted, $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
}
