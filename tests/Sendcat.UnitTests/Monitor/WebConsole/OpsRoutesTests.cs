using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Sendcat.UnitTests.Monitor.WebConsole;

public sealed class OpsRoutesTests
{
    [Fact]
    public async Task A_change_reaches_the_API_with_the_persons_own_key_and_reason()
    {
        await using var api = await ApiStub.StartAsync(ConsoleHost.MapApi);
        await using var monitor = await ConsoleHost.StartAsync(api.Address.AbsoluteUri);
        var (_, cookie) = await monitor.SignInAsync(ConsoleHost.OperatorKey);
        using var change = ConsoleHost.Change(HttpMethod.Put, "api/ops/knobs/CHAT_DRAIN_MS", new { value = "5" }, cookie);
        change.Headers.Add("x-sendcat-reason", Uri.EscapeDataString("für Ann\nX-Injected: 1"));
        change.Headers.Add("Sec-Fetch-Site", "same-origin");

        var echo = await (await monitor.Http.SendAsync(change, TestContext.Current.CancellationToken)).Content
            .ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

        Assert.Equal(
            ("PUT", "/api/ops/knobs/CHAT_DRAIN_MS", $"Bearer {ConsoleHost.OperatorKey}", "für Ann X-Injected: 1", """{"value":"5"}"""),
            (Text("method"), Text("path"), Text("key"), Text("reason"), Text("body")));

        string? Text(string name) => echo.GetProperty(name).GetString();
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("1", "cross-site")]
    [InlineData("1", "same-site")]
    [InlineData("0", "same-origin")]
    public async Task A_change_that_the_own_page_did_not_send_is_refused(string? header, string? site)
    {
        await using var api = await ApiStub.StartAsync(ConsoleHost.MapApi);
        await using var monitor = await ConsoleHost.StartAsync(api.Address.AbsoluteUri);
        var (_, cookie) = await monitor.SignInAsync(ConsoleHost.OperatorKey);
        using var change = new HttpRequestMessage(HttpMethod.Post, "api/ops/admission/off") { Headers = { { "Cookie", cookie } } };
        if (header is not null)
        {
            change.Headers.Add("x-sendcat-console", header);
        }

        if (site is not null)
        {
            change.Headers.Add("Sec-Fetch-Site", site);
        }

        var response = await monitor.Http.SendAsync(change, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.DoesNotContain(OpsRequests(api), request => request.Contains("admission", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http://127.0.0.1:1", HttpStatusCode.Forbidden)]
    [InlineData("null", HttpStatusCode.Forbidden)]
    [InlineData("own", HttpStatusCode.OK)]
    public async Task Without_fetch_metadata_the_origin_decides(string origin, HttpStatusCode expected)
    {
        await using var api = await ApiStub.StartAsync(ConsoleHost.MapApi);
        await using var monitor = await ConsoleHost.StartAsync(api.Address.AbsoluteUri);
        var (_, cookie) = await monitor.SignInAsync(ConsoleHost.OperatorKey);
        using var change = ConsoleHost.Change(HttpMethod.Post, "api/ops/circuits/ebay/close", cookie: cookie);
        change.Headers.Add("Origin", origin == "own" ? monitor.Http.BaseAddress!.GetLeftPart(UriPartial.Authority) : origin);

        Assert.Equal(expected, (await monitor.Http.SendAsync(change, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Theory]
    [InlineData("GET", "api/ops/keys")]
    [InlineData("POST", "api/ops/keys")]
    [InlineData("GET", "api/ops/packages")]
    [InlineData("DELETE", "api/ops/keys/ann")]
    [InlineData("POST", "api/ops/knobs/CHAT_DRAIN_MS")]
    [InlineData("GET", "api/ops/tool-jobs/../keys")]
    [InlineData("GET", "api/ops/turns/..%2fkeys")]
    public async Task Nothing_else_of_the_API_can_be_reached(string method, string path)
    {
        await using var api = await ApiStub.StartAsync(ConsoleHost.MapApi);
        await using var monitor = await ConsoleHost.StartAsync(api.Address.AbsoluteUri);
        var (_, cookie) = await monitor.SignInAsync(ConsoleHost.OperatorKey);
        using var request = ConsoleHost.Change(HttpMethod.Parse(method), path, cookie: cookie);

        await monitor.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.All(OpsRequests(api), seen => Assert.Contains(seen, (string[])["GET /api/ops/self", "GET /api/ops/turns/..%2fkeys"]));
    }

    [Fact]
    public async Task Without_a_session_nothing_is_sent_and_a_revoked_key_ends_it()
    {
        await using var api = await ApiStub.StartAsync(ConsoleHost.MapApi);
        await using var revoking = await ApiStub.StartAsync((app, _) =>
        {
            app.MapGet("/api/ops/self", () => new { name = "ann", role = "viewer" });
            app.MapGet("/api/ops/knobs", () => Results.Text("The operator key is missing or wrong", statusCode: 401));
        });
        await using var monitor = await ConsoleHost.StartAsync(api.Address.AbsoluteUri);
        await using var other = await ConsoleHost.StartAsync(revoking.Address.AbsoluteUri);
        var (_, cookie) = await other.SignInAsync("a key of ann");

        var nobody = await monitor.GetAsync("api/ops/knobs");
        var revoked = await other.GetAsync("api/ops/knobs", cookie);

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (nobody.StatusCode, revoked.StatusCode));
        Assert.Empty(OpsRequests(api));
        Assert.Contains("sendcat-console=; max-age=0", revoked.Headers.GetValues("Set-Cookie").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_address_answers_while_one_is_down()
    {
        await using var api = await ApiStub.StartAsync(ConsoleHost.MapApi);
        await using var monitor = await ConsoleHost.StartAsync($"http://127.0.0.1:1;{api.Address}");
        var (_, cookie) = await monitor.SignInAsync(ConsoleHost.ViewerKey);

        Assert.Equal(HttpStatusCode.OK, (await monitor.GetAsync("api/ops/slo?minutes=5", cookie)).StatusCode);
    }

    /// <summary>Without those of the probes.</summary>
    private static List<string> OpsRequests(ApiStub api)
    {
        lock (api.Requests)
        {
            return [.. api.Requests.Where(request => request.Contains("/api/ops/", StringComparison.Ordinal))];
        }
    }
}
