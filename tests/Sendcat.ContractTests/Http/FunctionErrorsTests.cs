using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Http;

namespace Sendcat.ContractTests.Http;

/// <summary>The prefix <c>[code:function]</c> of error texts.</summary>
public sealed class FunctionErrorsTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData("GET", "/api/threads", null, 401, "unauthorized", "[unauthorized:threads.list] ")]
    [InlineData("GET", "/api/threads/x", null, 401, "unauthorized", "[unauthorized:threads.get] ")]
    [InlineData("POST", "/api/threads/claim", """{"sessionId":"x"}""", 401, "unauthorized", "[unauthorized:threads.claim] ")]
    [InlineData("POST", "/api/shares/x/fork", "{}", 401, "unauthorized", "[unauthorized:threads.createShareFork] ")]
    [InlineData("GET", "/api/profile", null, 401, "unauthorized", "[unauthorized:profiles.get] ")]
    [InlineData("GET", "/api/favorites", null, 401, "unauthorized", "[unauthorized:favorites.list] ")]
    [InlineData("GET", "/api/drafts", null, 401, "unauthorized", "[unauthorized:drafts.listDrafts] ")]
    [InlineData("POST", "/api/drafts/x/confirm", null, 401, "unauthorized", "[unauthorized:drafts.confirmDraft] ")]
    [InlineData("POST", "/api/pre-alerts", "{}", 400, "invalid_request", "[invalid_function_args:preAlerts.createPackagePreAlert] ")]
    [InlineData("GET", "/api/preferences", null, 401, "unauthorized", "[unauthorized:preferences.get] ")]
    [InlineData("POST", "/api/ops/packages", "{}", 401, "unauthorized", "[unauthorized:ops.reportPackages] ")]
    [InlineData("GET", "/api/ops/knobs", null, 401, "unauthorized", "[unauthorized:ops.knobs] ")]
    [InlineData("POST", "/api/whatsapp/linking-code", null, 401, "unauthorized", "[unauthorized:whatsapp.requestLinkingCode] ")]
    [InlineData("GET", "/api/whatsapp/status", null, 401, "unauthorized", "[unauthorized:whatsapp.getLinkingStatus] ")]
    [InlineData("DELETE", "/api/whatsapp", null, 401, "unauthorized", "[unauthorized:whatsapp.disconnect] ")]
    [InlineData("POST", "/api/gmail/connect", null, 401, "unauthorized", "[unauthorized:gmail.connect] ")]
    [InlineData("POST", "/api/gmail/sync", null, 401, "unauthorized", "[unauthorized:gmail.sync] ")]
    [InlineData("DELETE", "/api/gmail", null, 401, "unauthorized", "[unauthorized:gmail.disconnect] ")]
    [InlineData("GET", "/api/evidence", null, 401, "unauthorized", "[unauthorized:evidence.list] ")]
    [InlineData("POST", "/api/threads", "{", 400, "invalid_json", "[invalid_function_args:threads.create] ")]
    [InlineData("PUT", "/api/profile", "7", 400, "invalid_request", "[invalid_function_args:profiles.update] ")]
    [InlineData("GET", "/api/threads/x/messages?limit=none", null, 400, "invalid_request", "[invalid_function_args:messages.list] ")]
    public async Task The_error_text_of_a_function_starts_with_its_code_and_function(
        string method, string path, string? body, int status, string code, string start) =>
        Assert.StartsWith(start, await RefusedAsync(await postgres.ApiAsync(), method, path, body, status, code), StringComparison.Ordinal);

    [Theory]
    [InlineData("ip:")]
    [InlineData("session:")]
    public async Task A_rate_limit_error_text_starts_with_its_code_and_function(string keyPrefix)
    {
        LimitCheck check = (_, _, keys, _) =>
            ValueTask.FromResult<TimeSpan?>(keys[0].Name.StartsWith(keyPrefix, StringComparison.Ordinal) ? TimeSpan.FromSeconds(2) : null);
        await using var api = await SendcatApi.StartAsync(postgres, services: services => services.AddSingleton(check));

        var text = await RefusedAsync(api, "POST", "/api/threads", """{"sessionId":"somebody"}""", 429, "rate_limited");

        Assert.StartsWith("[rate_limited:threads.create] ", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/api/auth/me", null, 401, "unauthorized")]
    [InlineData("POST", "/api/chat", "{", 400, "invalid_json")]
    [InlineData("GET", "/api/nothing", null, 404, "not_found")]
    [InlineData("PUT", "/api/threads", "{}", 405, "method_not_allowed")]
    public async Task The_error_text_of_other_routes_has_no_prefix(string method, string path, string? body, int status, string code) =>
        Assert.False((await RefusedAsync(await postgres.ApiAsync(), method, path, body, status, code)).StartsWith('['));

    private static async Task<string> RefusedAsync(SendcatApi api, string method, string path, string? body, int status, string code)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body?.AsJson() };
        using var response = await api.Anyone.SendAsync(request);
        return await response.RefusedAsync((HttpStatusCode)status, code);
    }
}
