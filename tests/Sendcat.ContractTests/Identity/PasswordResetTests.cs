using System.Net;
using System.Net.Http.Json;

namespace Sendcat.ContractTests.Identity;

public sealed class PasswordResetTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_reset_link_is_sent_by_mail_works_once_and_revokes_existing_sign_ins()
    {
        await using var resend = await ResendServer.StartAsync();
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["RESEND_API_KEY"] = "re_test", ["RESEND_BASE_URL"] = resend.Address, ["APP_URL"] = "https://sendcat.app" });
        var (user, tokens) = await api.UserAsync("forgot@example.com", "the old password 1");

        var unknown = await api.Anyone.PostAsJsonAsync("/api/auth/forgot-password", new { email = "unknown@example.com" });
        var known = await api.Anyone.PostAsJsonAsync("/api/auth/forgot-password", new { email = "forgot@example.com" });
        var (welcome, _) = await resend.Mails.ReadAsync();
        var (mail, headers) = await resend.Mails.ReadAsync();

        Assert.Equal("Welcome to Sendcat", (string)welcome["subject"]!);
        Assert.Equal((HttpStatusCode.Accepted, HttpStatusCode.Accepted), (unknown.StatusCode, known.StatusCode));
        Assert.Equal("forgot@example.com", (string)mail["to"]!);
        Assert.Equal("Bearer re_test", headers["Authorization"]);
        Assert.InRange(headers["Idempotency-Key"].ToString().Length, 1, 256);
        Assert.NotEmpty(headers.UserAgent.ToString());
        var link = ((string)mail["text"]!).Split(' ', '\n').Single(word => word.StartsWith("https://sendcat.app/reset-password?token=", StringComparison.Ordinal));
        var token = Uri.UnescapeDataString(link.Split("token=")[1]);

        Assert.Equal(HttpStatusCode.OK, (await user.GetAsync("/api/auth/me")).StatusCode);
        var forged = await ResetAsync(api, token[..^1] + (token[^1] == 'A' ? 'B' : 'A'));
        var first = await ResetAsync(api, token);
        var again = await ResetAsync(api, token);

        await forged.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.Equal(HttpStatusCode.NoContent, first.StatusCode);
        await (await user.GetAsync("/api/auth/me")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await again.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await api.Anyone.PostAsJsonAsync("/api/auth/refresh", new { refreshToken = (string)tokens["refreshToken"]! })).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = "forgot@example.com", password = "the old password 1" })).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal(HttpStatusCode.OK, (await api.Anyone.PostAsJsonAsync("/api/auth/login", new { email = "forgot@example.com", password = "a new password 2" })).StatusCode);
        Assert.False(resend.Mails.TryRead(out _), "nobody else is written to");
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
        Assert.Equal(HttpStatusCode.Accepted, (await api.Anyone.PostAsJsonAsync("/api/auth/forgot-password", new { email = "nomail@example.com" })).StatusCode);
    }

    private static Task<HttpResponseMessage> ResetAsync(SendcatApi api, string token) => api.Anyone.PostAsJsonAsync("/api/auth/reset-password", new { token, newPassword = "a new password 2" });
}
