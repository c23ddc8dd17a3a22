using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sendcat.Monitor.DeadLetters;
using Sendcat.Monitor.Ops;

namespace Sendcat.UnitTests.Monitor;

public sealed class DlqTests
{
    private const string Path = "/api/ops/tool-jobs/dead-letters";
    private const string Key = "the key";

    private readonly PlainTerminal _terminal = new();
    private readonly StringWriter _errors = new();

    [Fact]
    public async Task The_groups_command_prints_a_table_of_errors()
    {
        await using var api = await ServeAsync("groups", """{"items":[{"tool":"search_web","fingerprint":"0123456789ab","reason":"attempts_exhausted","error":"HTTP 503 [after] 7 ms","count":12,"firstAt":"2026-05-01T11:00:00Z","lastAt":"2026-05-01T12:00:00Z"}]}""");

        Assert.Equal(0, await RunAsync(api, "groups"));

        Assert.Contains("0123456789ab", _terminal.Text, StringComparison.Ordinal);
        Assert.Contains(
            "HTTP 503 [after] 7", string.Join(' ', _terminal.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal);
        Assert.Contains("2026-05-01 12:00:00", _terminal.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_list_command_prints_every_attempt_with_details_and_the_next_cursor()
    {
        await using var api = await ServeAsync("", """{"items":[{"id":"7c9e6679-7425-40de-944b-e07fc1f90ae7","tool":"search_web","error":"boom \u001b[2J","fingerprint":"0123456789ab","attempts":1,"replayCount":0,"diedAt":"2026-05-01T12:00:00Z","arguments":{"query":"kettle"},"history":[{"attempt":1,"startedAt":"2026-05-01T11:59:58Z","endedAt":"2026-05-01T12:00:00Z","worker":"w:1","error":"boom [1]"}]}],"nextCursor":"abc"}""");

        Assert.Equal(0, await RunAsync(api, "list", "--tool", "search_web", "--limit", "1", "--details"));

        Assert.Equal(
            """
            7c9e6679-7425-40de-944b-e07fc1f90ae7  search_web  2026-05-01 12:00:00  attempts 1, never requeued  0123456789ab
                boom  [2J
                {"query":"kettle"}
                  2026-05-01 11:59:58 – 2026-05-01 12:00:00  w:1  boom [1]
            There are more: --cursor abc

            """,
            _terminal.Text);
    }

    [Fact]
    public async Task The_list_command_says_how_often_a_letter_was_requeued_and_with_what_result()
    {
        await using var api = await ServeAsync(
            "",
            """
            {"items":[{"id":"1","tool":"search_web","error":"A source failed","attempts":3,"replayCount":2,"diedAt":"2026-05-01T12:00:00Z","lastReplay":{"result":"partial","error":"A source failed","at":"2026-05-01T12:00:00Z"}},
            {"id":"2","tool":"search_web","error":"boom","attempts":1,"replayCount":1,"diedAt":"2026-05-01T12:00:00Z","lastReplay":{"result":"failed","error":"boom","at":"2026-05-01T12:00:00Z"}}]}
            """);

        Assert.Equal(0, await RunAsync(api, "list"));

        Assert.Contains("attempts 3, requeued 2 times, last result partial", _terminal.Text, StringComparison.Ordinal);
        Assert.Contains("attempts 1, requeued 1 time, last result failed", _terminal.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_reports_what_would_change()
    {
        await using var api = await ServeAsync(
            "requeue", """{"dryRun":true,"matched":3,"changed":2,"skipped":1,"ids":[],"lastDueAt":"2026-05-01T12:00:01Z"}""");

        Assert.Equal(0, await RunAsync(api, "requeue", "--fingerprint", "0123456789ab", "--dry-run"));

        Assert.Equal(
            "2 of 3 dead letters would be requeued.\n1 stay: their question is being worked on already.\nThe last one "
            + "would run at 2026-05-01 12:00:01 UTC.\n", _terminal.Text);
        Assert.Equal("""{"fingerprint":"0123456789ab","all":false,"dryRun":true}""", api.LastBody);
    }

    [Fact]
    public async Task The_json_option_prints_the_response_as_JSON()
    {
        await using var api = await ServeAsync(
            "discard", """{"dryRun":false,"matched":1,"changed":1,"skipped":0,"ids":["7c9e6679-7425-40de-944b-e07fc1f90ae7"]}""");

        Assert.Equal(
            0, await RunAsync(api, "discard", "--id", "7c9e6679-7425-40de-944b-e07fc1f90ae7", "--json", "--reason", "a known bug"));

        Assert.Equal(1, System.Text.Json.JsonDocument.Parse(_terminal.Text).RootElement.GetProperty("changed").GetInt32());
        Assert.Equal("""{"ids":["7c9e6679-7425-40de-944b-e07fc1f90ae7"],"all":false,"dryRun":false}""", api.LastBody);
    }

    [Fact]
    public async Task With_confirm_all_that_match_are_changed_in_the_background()
    {
        await using var api = await ServeAsync("changes", """{"id":"7c9e6679-7425-40de-944b-e07fc1f90ae7","matched":136}""");

        Assert.Equal(
            0,
            await RunAsync(
                api, "requeue", "--arguments", "kettle", "--principal", "user:1", "--confirm", "136", "--force", "--reason",
                "eBay is back"));

        Assert.Equal("136 dead letters are being changed: ./sendcat dlq changes 7c9e6679-7425-40de-944b-e07fc1f90ae7\n", _terminal.Text);
        Assert.Equal(
            """{"action":"requeue","confirm":136,"principal":"user:1","arguments":"kettle","all":false,"force":true}""", api.LastBody);
        Assert.NotEmpty(Command().Parse(["requeue", "--all", "--confirm", "0", "--reason", "eBay is back"]).Errors);
    }

    [Fact]
    public async Task Changes_are_listed_with_their_progress_and_their_report()
    {
        await using var api = await ServeAsync("changes", """{"items":[{"id":"7c9e6679-7425-40de-944b-e07fc1f90ae7","action":"requeue","state":"running","cancelled":false,"target":"tool=search_products","force":false,"matched":136,"changed":60,"skipped":2,"report":{"whole":40,"partial":3,"failed":5,"pending":12},"waitsFor":"ebay_search","actor":"ann (operator) at ip:192.0.2.1","reason":"eBay is back","createdAt":"2026-05-01T12:00:00Z"}]}""");

        Assert.Equal(0, await RunAsync(api, "changes"));

        Assert.Equal(
            """
            7c9e6679-7425-40de-944b-e07fc1f90ae7  requeue  2026-05-01 12:00:00  running, waits for the circuit of ebay_search
                tool=search_products  by ann (operator) at ip:192.0.2.1: eBay is back
                60 of 136 changed, 2 skipped: 40 whole, 3 partial, 5 failed, 12 pending

            """,
            _terminal.Text);
    }

    [Theory]
    [InlineData("requeue")]
    [InlineData("discard")]
    public async Task Requeue_and_discard_require_a_selection(string verb)
    {
        await using var api = await ServeAsync(verb, "{}");

        var parsed = Command().Parse([verb, "--reason", "a known bug", "--url", api.Address.ToString()]);

        Assert.Contains("--all", Assert.Single(parsed.Errors).Message, StringComparison.Ordinal);
        Assert.Empty(Command().Parse([verb, "--all", "--reason", "a known bug", "--url", api.Address.ToString()]).Errors);
        Assert.Contains("--reason", Assert.Single(Command().Parse([verb, "--all"]).Errors).Message, StringComparison.Ordinal);
        Assert.All(
            ["--id", "--limit", "--died-before"], (string option) => Assert.NotEmpty(Command().Parse([verb, option, "nonsense"]).Errors));
        Assert.Empty(api.Requests);
    }

    [Theory]
    [InlineData(400, "invalid_request", 1)]
    [InlineData(401, "unauthorized", 2)]
    [InlineData(503, "upstream_unavailable", 2)]
    public async Task An_error_response_prints_its_message_and_selects_the_exit_code(int status, string code, int exit)
    {
        await using var api = await ApiStub.StartAsync((app, _) => app.MapGet($"{Path}/groups", async http =>
        {
            http.Response.StatusCode = status;
            http.Response.Headers["x-sendcat-error-code"] = code;
            await http.Response.WriteAsync("No, [really] not");
        }));

        Assert.Equal(exit, await RunAsync(api, "groups"));

        Assert.Equal($"No, [really] not ({code})\n", _errors.ToString().ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task Without_a_reachable_service_or_a_key_the_exit_code_is_2()
    {
        var stopped = await ServeAsync("groups", "{}");
        var address = stopped.Address;
        await stopped.DisposeAsync();

        Assert.Equal(2, await Command().Parse(["groups", "--url", address.ToString()]).InvokeAsync());
        Assert.Equal(2, await OpsVerb.RunAsync("http://127.0.0.1:1", null, _errors, _ => Task.FromResult(0)));
    }

    private static Task<ApiStub> ServeAsync(string path, string response) =>
        ApiStub.StartAsync((app, _) => app.Map($"{Path}/{path}".TrimEnd('/'), async http =>
        {
            Assert.Equal($"Bearer {Key}", http.Request.Headers.Authorization);
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync(response);
        }));

    private System.CommandLine.Command Command() => DlqCommand.Create(new(_terminal.Console, _errors, Key));

    private Task<int> RunAsync(ApiStub api, params string[] args) =>
        Command().Parse([.. args, "--url", api.Address.ToString()]).InvokeAsync();
}
