using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.UpstreamEmulator;

/// <summary>The emulated Resend: keys, idempotency, and the pages with the mails.</summary>
public sealed class ResendTests : EmulatorTests
{
    private const string Mail =
        """{"from":"Sendcat <hi@sendcat.app>","to":"ann@example.com","subject":"Hello","html":"<p>Hello</p>","text":"Hello"}""";

    [Theory]
    [InlineData(null, Mail, HttpStatusCode.Unauthorized, "missing_api_key")]
    [InlineData("bad", Mail, HttpStatusCode.Forbidden, "invalid_api_key")]
    [InlineData("re_test", "{", HttpStatusCode.BadRequest, "validation_error")]
    [InlineData(
        "re_test", """{"from":"a@b.example","subject":"Hello","text":"Hello"}""", HttpStatusCode.UnprocessableEntity,
        "missing_required_field")]
    [InlineData(
        "re_test", """{"from":"a@b.example","to":["ann@nowhere.invalid"],"subject":"Hello","text":"Hello"}""",
        HttpStatusCode.UnprocessableEntity, "validation_error")]
    public async Task A_request_that_Resend_refuses_stores_no_mail(string? apiKey, string body, HttpStatusCode status, string name)
    {
        using var refused = await SendAsync(body, "key-1", apiKey);

        Assert.Equal((status, name), (refused.StatusCode, (await RestClient.JsonAsync(refused)).GetProperty("name").GetString()));
        Assert.Empty(Emulator.Mails);
    }

    [Fact]
    public async Task A_key_stores_one_mail_for_a_day_and_is_a_conflict_with_another_body()
    {
        var clock = new FakeTimeProvider();
        await using var emulator = await UpstreamEmulatorHost.StartAsync(options => options.Clock = clock);
        using var http = new HttpClient { BaseAddress = emulator.Http1 };

        var first = await IdAsync(await SendAsync(Mail, "key-1", client: http));
        var again = await IdAsync(await SendAsync(Mail, "key-1", client: http));
        using var other = await SendAsync(Mail.Replace("Hello", "Bye", StringComparison.Ordinal), "key-1", client: http);
        Assert.Equal((first, 1), (again, emulator.Mails.Count));
        Assert.Equal(
            (HttpStatusCode.Conflict, "invalid_idempotent_request"),
            (other.StatusCode, (await RestClient.JsonAsync(other)).GetProperty("name").GetString()));

        clock.Advance(TimeSpan.FromHours(24));
        Assert.NotEqual(first, await IdAsync(await SendAsync(Mail, "key-1", client: http)));
        Assert.NotEqual(first, await IdAsync(await SendAsync(Mail, "key-2", client: http)));
        Assert.Equal(3, emulator.Mails.Count);
    }

    [Fact]
    public async Task A_request_whose_key_is_being_answered_is_a_conflict()
    {
        Emulator.DirectRest("[[emu at=resend hang=before-headers times=1]]");
        using var leaving = new CancellationTokenSource();
        var hanging = SendAsync(Mail, "key-1", cancellationToken: leaving.Token);
        var mail = await Emulator.NextMailAsync();

        using var concurrent = await SendAsync(Mail, "key-1");
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hanging);
        await Emulator.Stats.WaitForAsync(stats => stats.Of("resend", "emails").Aborted == 1);

        Assert.Equal("concurrent_idempotent_requests", (await RestClient.JsonAsync(concurrent)).GetProperty("name").GetString());
        Assert.Equal([mail], Emulator.Mails);
    }

    [Fact]
    public async Task The_pages_show_mails_escaped_in_a_sandbox_and_load_nothing()
    {
        var hostile = JsonSerializer.Serialize(new
        {
            from = "Sendcat <hi@sendcat.app>",
            to = "ann@example.com",
            subject = "<script>alert(1)</script>",
            html = """<p title="x">Hi</p><script>alert(2)</script><img src="https://elsewhere.example/x.png"><a href="https://sendcat.app/reset?token=a.b.c">Reset</a>""",
            text = "<b>Reset</b>: https://sendcat.app/reset?token=a.b.c\n\njavascript:alert(3)",
        });
        var id = await IdAsync(await SendAsync(hostile, "key-1"));

        var (list, policy) = await PageAsync("mail");
        var (page, _) = await PageAsync($"mail/{id}");
        var json = JsonDocument.Parse(await Rest.Http.GetStringAsync("mail?to=ann@example.com")).RootElement.GetProperty("items");

        Assert.Contains($"""<a href="/mail/{id}">&lt;script&gt;alert(1)&lt;/script&gt;</a>""", list, StringComparison.Ordinal);
        Assert.StartsWith("default-src 'none';", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<img", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("""sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="&lt;base""", page, StringComparison.Ordinal);
        Assert.Contains(
            """<a href="https://sendcat.app/reset?token=a.b.c" target="_blank" rel="noreferrer">""", page, StringComparison.Ordinal);
        Assert.DoesNotContain("href=\"javascript", page, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(
            (1, "https://sendcat.app/reset?token=a.b.c"),
            (json.GetArrayLength(), json[0].GetProperty("text").GetString()!.Split([' ', '\n'])[1]));
        Assert.Equal(
            0,
            JsonDocument.Parse(await Rest.Http.GetStringAsync("mail?to=bob@example.com")).RootElement.GetProperty("items")
                .GetArrayLength());
    }

    private async Task<(string Html, string Policy)> PageAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Accept = { new("text/html") } } };
        using var response = await Rest.Http.SendAsync(request);
        return (await response.Content.ReadAsStringAsync(), response.Headers.GetValues("Content-Security-Policy").Single());
    }

    private Task<HttpResponseMessage> SendAsync(
        string body, string key, string? apiKey = "re_test", HttpClient? client = null, CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "resend/emails")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Idempotency-Key", key);
        request.Headers.UserAgent.ParseAdd("tests/1.0");
        request.Headers.Authorization = apiKey is null ? null : new AuthenticationHeaderValue("Bearer", apiKey);
        return (client ?? Rest.Http).SendAsync(request, cancellationToken);
    }

    private static async Task<string> IdAsync(HttpResponseMessage response)
    {
        using (response)
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            return (await RestClient.JsonAsync(response)).GetProperty("id").GetString()!;
        }
    }
}
