using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;

namespace Sendcat.ContractTests.Mail;

/// <summary>Reports of Resend about sent mails: what is refused, and what a bounce changes.</summary>
public sealed class ResendWebhookTests(ResendFixture fixture) : IClassFixture<ResendFixture>
{
    private const string Path = "/api/resend/webhook";
    private const string Event = """
        {"type":"email.bounced","created_at":"2026-11-26T10:00:00.000Z",
        "data":{"email_id":"1","to":["refused@example.com"],"bounce":{"type":"Permanent"}}}
        """;

    private SendcatApi Api => fixture.Mail.Api;

    [Theory]
    [InlineData("no signature", 403)]
    [InlineData("empty signature", 403)]
    [InlineData("other secret", 403)]
    [InlineData("other version", 403)]
    [InlineData("no version", 403)]
    [InlineData("truncated signature", 403)]
    [InlineData("no base64", 403)]
    [InlineData("two signature headers", 403)]
    [InlineData("no id", 403)]
    [InlineData("other id", 403)]
    [InlineData("two ids", 403)]
    [InlineData("no time", 403)]
    [InlineData("time is text", 403)]
    [InlineData("time is huge", 403)]
    [InlineData("too old", 403)]
    [InlineData("too new", 403)]
    [InlineData("tampered body", 403)]
    [InlineData("empty body", 403)]
    public async Task A_report_that_is_not_authentic_is_refused_and_not_stored(string fault, int status)
    {
        var id = $"msg_{Guid.NewGuid():N}";
        var sentAt = TimeProvider.System.GetUtcNow().AddMinutes(fault switch { "too old" => -6, "too new" => 6, _ => 0 })
            .ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signature = fault switch
        {
            "other secret" => Sign(id, sentAt, Event, RandomNumberGenerator.GetBytes(24)),
            "other version" => "v2" + Sign(id, sentAt, Event)[2..],
            "no version" => Sign(id, sentAt, Event)[3..],
            "truncated signature" => Sign(id, sentAt, Event)[..^4],
            "no base64" => "v1,!!!!" + Sign(id, sentAt, Event)[7..],
            "empty signature" => "",
            _ => Sign(id, sentAt, Event),
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, Path)
        {
            Content =
                (
                    fault switch { "tampered body" => Event.Replace(
                        "refused", "refuser", StringComparison.Ordinal), "empty body" => "", _ => Event }).AsJson(),
        };
        Add(request, "svix-id", fault switch { "no id" => [], "other id" => ["msg_other"], "two ids" => [id, id], _ => [id] });
        Add(
            request, "svix-timestamp",
            fault switch { "no time" => [], "time is text" => ["now"], "time is huge" => ["99999999999999999999"], _ => [sentAt] });
        Add(
            request, "svix-signature",
            fault switch
            {
                "no signature" => [],
                "two signature headers" => [signature, "v1," + new string('A', 43) + "="],
                _ => [signature],
            });

        var text = await (await Api.Anyone.SendAsync(request)).RefusedAsync((HttpStatusCode)status, "forbidden");

        Assert.DoesNotContain(ResendFixture.Secret, text, StringComparison.Ordinal);
        var digest = Integrations.Mail.UndeliverableAddresses.DigestOf("refused@example.com");
        Assert.Equal(0L, await Api.ScalarAsync<long>($"SELECT count(*) FROM undeliverable_addresses WHERE digest = '{digest}'"));
    }

    [Theory]
    [InlineData("hello", 400, "invalid_json")]
    [InlineData("[]", 400, "invalid_request")]
    [InlineData("{}", 400, "invalid_request")]
    [InlineData("""{"type":1}""", 400, "invalid_request")]
    [InlineData("""{"type":null}""", 400, "invalid_request")]
    public async Task An_authentic_report_that_is_not_readable_is_refused(string body, int status, string code) =>
        await (await PostAsync(body)).RefusedAsync((HttpStatusCode)status, code);

    [Theory]
    [InlineData("""{"type":"email.opened","data":{"to":["ann@example.com"]}}""")]
    [InlineData("""{"type":"email.bounced"}""")]
    [InlineData("""{"type":"email.bounced","data":{"to":["\ud800@example.com"]}}""")]
    [InlineData("""{"\ud800 of another":1,"type":"email.opened"}""")]
    [InlineData("""{"type":"email.bounced","data":{"to":{"a":1}}}""")]
    [InlineData("""{"type":"email.bounced","data":{"to":["ann@example.com"],"bounce":{"type":"Transient"}}}""")]
    [InlineData("""{"type":"contact.created","data":null}""")]
    public async Task An_event_that_changes_nothing_is_acknowledged(string body)
    {
        var response = await PostAsync(body);

        Assert.Equal((HttpStatusCode.OK, false), (response.StatusCode, response.Headers.Contains("X-Idempotent-Replay")));
    }

    [Fact]
    public async Task A_bounced_address_gets_no_mail_until_one_is_delivered_again()
    {
        var (user, _) = await Api.UserAsync("bounce@example.com");
        await fixture.Mail.SettleAsync();
        var id = $"msg_{Guid.NewGuid():N}";
        var bounce = Report("email.bounced", "Bounce@Example.com");

        Assert.False((await PostAsync(bounce, id)).Headers.Contains("X-Idempotent-Replay"));
        Assert.True((await PostAsync(bounce, id)).Headers.Contains("X-Idempotent-Replay"));
        var before = fixture.Mail.Resend.Mails.Count;
        await RequestResetAsync(user, "bounce@example.com");
        Assert.Equal(before, fixture.Mail.Resend.Mails.Count);

        // An older report of a delivery changes nothing, a later one does.
        await PostAsync(Report("email.delivered", "bounce@example.com", TimeSpan.FromHours(-1)));
        await RequestResetAsync(user, "bounce@example.com");
        Assert.Equal(before, fixture.Mail.Resend.Mails.Count);
        await PostAsync(Report("email.delivered", "bounce@example.com"));
        await RequestResetAsync(user, "bounce@example.com");
        Assert.Equal(before + 1, fixture.Mail.Resend.Mails.Count);
    }

    /// <summary>Each report says when it happened (hours before now). They are delivered in this order.</summary>
    [Theory]
    [InlineData("delivered-1 bounced-2", true)]
    [InlineData("delivered-2 bounced-1", false)]
    [InlineData("bounced-3 delivered-1 bounced-2", true)]
    [InlineData("bounced-2 delivered-1 bounced-3 suppressed-2", true)]
    [InlineData("delivered-1 complained-2", false)]
    [InlineData("complained-2 delivered-1", false)]
    public async Task The_newest_event_counts_whenever_it_is_reported(string reports, bool getsMails)
    {
        var address = $"{reports.Replace(' ', '.')}@example.net";
        foreach (var report in reports.Split(' '))
        {
            var (type, hours) = (report.Split('-')[0], int.Parse(report.Split('-')[1], CultureInfo.InvariantCulture));
            await PostAsync(Report($"email.{type}", address, TimeSpan.FromHours(-hours)));
        }

        var found = await new Integrations.Mail.UndeliverableAddresses(Api.Database)
            .FindAsync(address, TimeProvider.System.GetUtcNow(), CancellationToken.None);

        Assert.Equal(getsMails, found is null);
    }

    [Fact]
    public async Task A_spam_complaint_stops_all_mails_but_those_that_the_owner_requests()
    {
        var (user, _) = await Api.UserAsync("complaint@example.com");
        await fixture.Mail.SettleAsync();
        await PostAsync(Report("email.complained", "complaint@example.com"));
        var before = fixture.Mail.Resend.Mails.Count;

        await RequestResetAsync(user, "complaint@example.com");
        Assert.Equal(before + 1, fixture.Mail.Resend.Mails.Count);
        var changed = await user.PostAsJsonAsync(
            "/api/auth/change-password", new { currentPassword = "correct horse 1", newPassword = "correct horse 2" });
        Assert.True(changed.IsSuccessStatusCode, $"{(int)changed.StatusCode} {await changed.Content.ReadAsStringAsync()}");
        await fixture.Mail.SettleAsync();

        Assert.Equal(before + 1, fixture.Mail.Resend.Mails.Count);
    }

    private async Task RequestResetAsync(HttpClient user, string email)
    {
        (await user.PostAsJsonAsync("/api/auth/forgot-password", new { email })).EnsureSuccessStatusCode();
        await fixture.Mail.SettleAsync();
    }

    private static string Report(string type, string address, TimeSpan age = default) =>
        $$$"""
        {"type":"{{{type}}}","created_at":"{{{TimeProvider.System.GetUtcNow() + age:O}}}",
        "data":{"email_id":"1","to":["{{{address}}}"],"bounce":{"type":"Permanent"} } }
        """;

    private async Task<HttpResponseMessage> PostAsync(string body, string? id = null)
    {
        var (
            key, sentAt) = (id ?? $"msg_{Guid.NewGuid():N}",
            TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = body.AsJson() };
        Add(request, "webhook-id", [key]);
        Add(request, "webhook-timestamp", [sentAt]);
        Add(request, "webhook-signature", [Sign(key, sentAt, body)]);
        return await Api.Anyone.SendAsync(request);
    }

    private static void Add(HttpRequestMessage request, string name, string[] values)
    {
        if (values.Length > 0)
        {
            request.Headers.TryAddWithoutValidation(name, values);
        }
    }

    private static string Sign(string id, string sentAt, string body, byte[]? key = null) =>
        "v1,"
            + Convert.ToBase64String(
                HMACSHA256.HashData(
                    key ?? Convert.FromBase64String(ResendFixture.Secret["whsec_".Length..]),
                    Encoding.UTF8.GetBytes($"{id}.{sentAt}.{body}")));
}

/// <summary>The API with its mails and a secret of Resend's webhook.</summary>
public sealed class ResendFixture(PostgresFixture postgres) : IAsyncLifetime
{
    public const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    internal MailApi Mail { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        Mail = await MailApi.StartAsync(postgres, ("RESEND_WEBHOOK_SECRET", Secret), ("AUTH_CONFIRMED_DOMAINS", "example.com"));

    public ValueTask DisposeAsync() => Mail.DisposeAsync();
}
