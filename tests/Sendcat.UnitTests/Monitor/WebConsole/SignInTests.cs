using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Monitor.WebConsole;

namespace Sendcat.UnitTests.Monitor.WebConsole;

public sealed class SignInTests
{
    [Fact]
    public async Task A_key_becomes_a_cookie_that_every_monitor_reads_and_no_script()
    {
        await using var api = await ApiStub.StartAsync(ConsoleHost.MapApi);
        await using var one = await ConsoleHost.StartAsync(api.Address.AbsoluteUri);
        await using var two = await ConsoleHost.StartAsync(api.Address.AbsoluteUri);
        await using var stranger = await ConsoleHost.StartAsync(api.Address.AbsoluteUri, "another secret of another system");

        var (response, cookie) = await one.SignInAsync(ConsoleHost.OperatorKey);
        var elsewhere = await two.GetAsync("api/session", cookie);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var attributes = response.Headers.GetValues("Set-Cookie").Single();
        Assert.StartsWith("sendcat-console=", cookie, StringComparison.Ordinal);
        Assert.Equal(
            ["httponly", "max-age=43200", "path=/", "samesite=strict"],
            attributes.Split("; ")[1..].Select(part => part.ToLowerInvariant()).Order());
        Assert.DoesNotContain(ConsoleHost.OperatorKey, attributes, StringComparison.Ordinal);
        var session = await elsewhere.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"name\":\"ann (operator)\",\"role\":\"operator\"", session, StringComparison.Ordinal);
        Assert.DoesNotContain(ConsoleHost.OperatorKey, session, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.GetAsync("api/session", cookie)).StatusCode);
    }

    [Fact]
    public async Task Over_TLS_and_on_other_hosts_the_cookie_is_secure_and_belongs_to_the_host()
    {
        await using var api = await ApiStub.StartAsync(ConsoleHost.MapApi);
        await using var monitor = await ConsoleHost.StartAsync(api.Address.AbsoluteUri);
        using var request = ConsoleHost.Change(HttpMethod.Post, "api/session", new { key = ConsoleHost.ViewerKey });
        request.Headers.Host = "console.example";

        var response = await monitor.Http.SendAsync(request, TestContext.Current.CancellationToken);

        var cookie = response.Headers.GetValues("Set-Cookie").Single();
        Assert.StartsWith("__Host-sendcat-console=", cookie, StringComparison.Ordinal);
        Assert.Contains("; secure", cookie, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Wrong_keys_get_what_the_API_answers_and_its_limit()
    {
        await using var api = await ApiStub.StartAsync(ConsoleHost.MapApi);
        await using var monitor = await ConsoleHost.StartAsync(api.Address.AbsoluteUri);

        var answers = new List<(HttpStatusCode, string, string)>();
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var (response, cookie) = await monitor.SignInAsync("a wrong key");
            answers.Add((response.StatusCode, response.Headers.GetValues("Retry-After").Single(), cookie));
        }

        Assert.Equal(
            [(HttpStatusCode.Unauthorized, "17", ""), (HttpStatusCode.Unauthorized, "17", ""), (HttpStatusCode.TooManyRequests, "17", "")],
            answers);
        foreach (var nothing in new[] { "", " ", "two\nlines", new string('k', 600) })
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await monitor.SignInAsync(nothing)).Response.StatusCode);
        }
    }

    [Fact]
    public async Task Without_the_API_nobody_signs_in_and_the_page_says_why()
    {
        await using var monitor = await ConsoleHost.StartAsync("http://127.0.0.1:1");

        var (response, cookie) = await monitor.SignInAsync(ConsoleHost.OperatorKey);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, ""), (response.StatusCode, cookie));
        Assert.Equal("api_unavailable", response.Headers.GetValues("x-sendcat-error-code").Single());
    }

    [Fact]
    public async Task A_session_ends_after_twelve_hours_and_at_sign_out()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        await using var api = await ApiStub.StartAsync(ConsoleHost.MapApi);
        await using var monitor = await ConsoleHost.StartAsync(api.Address.AbsoluteUri, clock: clock);
        var (_, cookie) = await monitor.SignInAsync(ConsoleHost.OperatorKey);

        using var leave = ConsoleHost.Change(HttpMethod.Delete, "api/session", cookie: cookie);
        var left = await monitor.Http.SendAsync(leave, TestContext.Current.CancellationToken);
        clock.Advance(SessionCookie.Lifetime - TimeSpan.FromSeconds(1));
        var before = await monitor.GetAsync("api/session", cookie);
        clock.Advance(TimeSpan.FromSeconds(1));
        var after = await monitor.GetAsync("api/session", cookie);

        Assert.Contains("sendcat-console=; max-age=0", left.Headers.GetValues("Set-Cookie").Single(), StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (before.StatusCode, after.StatusCode));
    }

    [Fact]
    public void A_cookie_is_read_and_written_by_several_requests_at_once()
    {
        var options = Options.Create(new ConsoleOptions { CookieKey = "a secret for many requests at once" });
        var cookie = new SessionCookie(options, new HostingEnvironment(), TimeProvider.System);
        var session = new ConsoleSession("key", "ann", "viewer", TimeProvider.System.GetUtcNow() + SessionCookie.Lifetime);
        var sealedOnce = cookie.Seal(session);

        var read = Enumerable.Range(0, 20_000).AsParallel().WithDegreeOfParallelism(8)
            .Select(n => cookie.Open(n % 2 == 0 ? sealedOnce : cookie.Seal(session)));

        Assert.All(read, found => Assert.Equal(session, found));
    }

    [Theory]
    [InlineData("")]
    [InlineData("A")]
    [InlineData("not base64!")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task A_forged_cookie_is_no_session(string forged)
    {
        await using var monitor = await ConsoleHost.StartAsync("http://127.0.0.1:1");

        Assert.Equal(HttpStatusCode.Unauthorized, (await monitor.GetAsync("api/session", $"sendcat-console={forged}")).StatusCode);
    }

    [Fact]
    public async Task A_short_secret_stops_the_start() =>
        await Assert.ThrowsAsync<InvalidOperationException>(() => ConsoleHost.StartAsync("http://127.0.0.1:1", "short"));

    [Fact]
    public async Task The_public_status_has_no_address()
    {
        await using var monitor = await ConsoleHost.StartAsync("http://127.0.0.1:1");

        var status = await monitor.Http.GetStringAsync("api/status", TestContext.Current.CancellationToken);

        Assert.DoesNotContain("127.0.0.1", status, StringComparison.Ordinal);
        Assert.All(
            JsonSerializer.Deserialize<JsonElement>(status).EnumerateObject(),
            field => Assert.Contains(field.Name, (string[])["at", "state", "problem"]));
    }
}
