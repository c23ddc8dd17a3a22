using System.Net;
using System.Net.Http.Json;

namespace Sendcat.ContractTests.Identity;

public sealed class WelcomeMailTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_new_user_gets_one_welcome_mail_and_a_second_registration_sends_none()
    {
        await using var resend = await ResendServer.StartAsync();
        await using var api = await StartAsync(resend);

        await RegisterAsync(api, "new@example.com", "<b>Buy now</b>");
        await RegisterAsync(api, "new@example.com", "Somebody else");
        await RegisterAsync(api, "next@example.com", "Next");
        var (mail, headers) = await resend.Mails.ReadAsync();
        var (next, _) = await resend.Mails.ReadAsync();

        Assert.Equal(("Sendcat <hi@sendcat.app>", "new@example.com", "Welcome to Sendcat"), ((string)mail["from"]!, (string)mail["to"]!, (string)mail["subject"]!));
        Assert.Contains("https://sendcat.app/", (string)mail["text"]!, StringComparison.Ordinal);
        Assert.DoesNotContain("Buy now", mail.ToJsonString(), StringComparison.Ordinal);
        Assert.StartsWith("welcome-", headers["Idempotency-Key"].ToString(), StringComparison.Ordinal);
        Assert.Equal("next@example.com", (string)next["to"]!);
    }

    [Fact]
    public async Task A_mail_that_the_provider_refuses_is_not_retried()
    {
        await using var resend = await ResendServer.StartAsync((int)HttpStatusCode.ServiceUnavailable);
        await using var api = await StartAsync(resend);

        await RegisterAsync(api, "one@example.com", "One");
        await RegisterAsync(api, "two@example.com", "Two");
        var received = new[] { await resend.Mails.ReadAsync(), await resend.Mails.ReadAsync() };

        Assert.Equal(["one@example.com", "two@example.com"], received.Select(mail => (string)mail.Mail["to"]!));
    }

    private Task<SendcatApi> StartAsync(ResendServer resend) =>
        SendcatApi.StartAsync(postgres, new() { ["RESEND_API_KEY"] = "re_test", ["RESEND_BASE_URL"] = resend.Address, ["APP_URL"] = "https://sendcat.app" });

    private static async Task RegisterAsync(SendcatApi api, string email, string name) =>
        Assert.Equal(HttpStatusCode.OK, (await api.Anyone.PostAsJsonAsync("/api/auth/register", new { email, password = "correct horse 1", name })).StatusCode);
}
