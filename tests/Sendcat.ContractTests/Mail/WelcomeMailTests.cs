using System.Net;
using System.Net.Http.Json;

namespace Sendcat.ContractTests.Mail;

public sealed class WelcomeMailTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_new_user_gets_one_welcome_mail_and_a_second_registration_sends_none()
    {
        await using var mails = await MailApi.StartAsync(postgres);

        await RegisterAsync(mails, "new@example.com", "<b>Buy now</b>");
        await RegisterAsync(mails, "new@example.com", "Somebody else");
        await RegisterAsync(mails, "next@example.com", "Next");
        var (mail, next) = (await mails.NextMailAsync(), await mails.NextMailAsync());

        Assert.Equal(("Sendcat <hi@sendcat.app>", "new@example.com", "Welcome to Sendcat"), (mail.From, mail.To.Single(), mail.Subject));
        Assert.Contains("https://sendcat.app/", mail.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Buy now", mail.Html + mail.Text, StringComparison.Ordinal);
        Assert.True(Guid.TryParse(mail.IdempotencyKey, out _));
        Assert.Equal("next@example.com", next.To.Single());
    }

    private static async Task RegisterAsync(MailApi mails, string email, string name) => Assert.Equal(
        HttpStatusCode.OK,
        (await mails.Api.Anyone.PostAsJsonAsync("/api/auth/register", new { email, password = "correct horse 1", name })).StatusCode);
}
