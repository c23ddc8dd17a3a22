using System.Net;
using System.Net.Http.Json;
using Sendcat.ContractTests.Mail;

namespace Sendcat.ContractTests.Identity;

public sealed class PasswordResetTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_reset_link_is_sent_by_mail_works_once_and_revokes_existing_sign_ins()
    {
        await using var mails = await MailApi.StartAsync(postgres);
        var api = mails.Api;
        var (user, tokens) = await api.UserAsync("forgot@example.com", "the old password 1");

        var unknown = await api.Anyone.PostAsJsonAsync("/api/auth/forgot-password", new { email = "unknown@example.com" });
        var known = await api.Anyone.PostAsJsonAsync("/api/auth/forgot-password", new { email = "Forgot@example.com" });
        var (welcome, mail) = (await mails.NextMailAsync(), await mails.NextMailAsync());

        Assert.Equal("Welcome to Sendcat", welcome.Subject);
        Assert.Equal((HttpStatusCode.Accepted, HttpStatusCode.Accepted), (unknown.StatusCode, known.StatusCode));
        Assert.Equal("forgot@example.com", mail.To.Single());
        var token = MailApi.TokenIn(mail, "reset-password");

        Assert.Equal(HttpStatusCode.OK, (await user.GetAsync("/api/auth/me")).StatusCode);
        var forged = await ResetAsync(api, token[..^1] + (token[^1] == 'A' ? 'B' : 'A'));
        var first = await ResetAsync(api, token);
        var again = await ResetAsync(api, token);

        await forged.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.Equal(HttpStatusCode.NoContent, first.StatusCode);
        await (await user.GetAsync("/api/auth/me")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await again.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await api.Anyone.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = (string)tokens["refreshToken"]! }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = "forgot@example.com", password = "the old password 1" }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal(
            HttpStatusCode.OK,
            (await api.Anyone.PostAsJsonAsync(
                "/api/auth/login", new { email = "forgot@example.com", password = "a new password 2" })).StatusCode);
        await mails.SettleAsync();
        Assert.Equal([mail, welcome], mails.Resend.Mails);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("a.b.c")]
    [InlineData("..")]
    [InlineData("a\0b.1.x")]
    [InlineData("0199b1a0-0000-7000-8000-000000000001.4102444800.\0")]
    [InlineData("0199b1a0-0000-7000-8000-000000000001.4102444800.AAAA")]
    public async Task A_forged_reset_token_is_an_invalid_request(string token) =>
        await (await ResetAsync(await postgres.ApiAsync(), token)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");

    [Fact]
    public async Task Forgot_password_returns_202_without_a_mail_key()
    {
        var api = await postgres.ApiAsync();
        await api.UserAsync("nomail@example.com");
        Assert.Equal(
            HttpStatusCode.Accepted,
            (await api.Anyone.PostAsJsonAsync("/api/auth/forgot-password", new { email = "nomail@example.com" })).StatusCode);
    }

    private static Task<HttpResponseMessage> ResetAsync(SendcatApi api, string token) =>
        api.Anyone.PostAsJsonAsync("/api/auth/reset-password", new { token, newPassword = "a new password 2" });
}
