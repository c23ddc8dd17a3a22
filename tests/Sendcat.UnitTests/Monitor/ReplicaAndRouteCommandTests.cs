using System.CommandLine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sendcat.Monitor.Ops;

namespace Sendcat.UnitTests.Monitor;

/// <summary><c>./sendcat replicas</c> and <c>routes</c> against a stub of the API.</summary>
public sealed class ReplicaAndRouteCommandTests
{
    private const string Replicas = """
        {"items":[{"id":"w-77","kind":"worker","lives":true,"holders":3,"draining":true,"drained":{"by":"ann (operator)","reason":"leaks","stopsBy":"2026-05-01T12:05:00Z"},
          "jobs":2,"slots":{"used":2,"max":16},"version":"1.0.0 (0123abcd)","host":"h1","startedAt":"2026-05-01T10:00:00Z","permits":{}},
         {"id":"a-12","kind":"api","lives":true,"holders":5,"draining":false,"turns":4,"turnsWaitingForToken":1,"version":"1.0.0 (0123abcd)","host":"h1","startedAt":"2026-05-01T11:00:00Z","permits":{},
          "circuits":[{"provider":"ebay_search","state":"open"},{"provider":"serper_search","state":"closed"}]},
         {"id":"a-13","lives":false,"holders":1,"draining":false,"permits":{}}]}
        """;

    private readonly PlainTerminal _terminal = new();
    private readonly StringWriter _errors = new();

    [Fact]
    public async Task Replicas_are_listed_with_their_load_and_open_circuits()
    {
        await using var api = await ServeAsync("{}");

        Assert.Equal(0, await RunAsync(api, ReplicaCommand.Create));

        Assert.Equal(
            """
            a-13  unknown  dead                               holds 1
            a-12  api      alive                              holds 5  turns 4, 1 wait  ebay_search open  1.0.0 (0123abcd) on h1, since 2026-05-01 11:00:00
            w-77  worker   restarts by ann (operator): leaks  holds 3  jobs 2 of 16                       1.0.0 (0123abcd) on h1, since 2026-05-01 10:00:00

            """,
            _terminal.Text);
    }

    [Theory]
    [InlineData("drain a-12", "/a-12/drain", "a-12 begins no new work within five seconds. ./sendcat replicas shows what runs in it.")]
    [InlineData(
        "drain w --force", "/w-77/drain?force=true",
        "w-77 begins no new work within five seconds. ./sendcat replicas shows what runs in it.")]
    [InlineData("resume w-77", "/w-77/resume", "w-77 takes work again within five seconds.")]
    [InlineData(
        "restart w-77", "/w-77/restart", "w-77 is drained, and stops when nothing runs in it, at the latest at 2026-05-01 12:05:00 UTC.")]
    [InlineData(
        "restart w-77 --force --wait-seconds 60", "/w-77/restart?force=true&waitSeconds=60",
        "w-77 is drained, and stops when nothing runs in it, at the latest at 2026-05-01 12:05:00 UTC.")]
    [InlineData("release a-13", "/a-13/release", "1 holders of a-13 released.")]
    public async Task One_of_them_is_changed_by_its_id_or_the_beginning_of_it(string arguments, string path, string printed)
    {
        var id = path.Split('/')[1];
        await using var api = await ServeAsync($$"""{"id":"{{id}}","draining":true,"released":1,"stopsBy":"2026-05-01T12:05:00Z"}""");

        Assert.Equal(0, await RunAsync(api, ReplicaCommand.Create, [.. arguments.Split(' '), "--reason", "leaks"]));

        Assert.Equal($"POST {path} leaks", _change);
        Assert.Equal($"{printed}\n", _terminal.Text);
    }

    [Fact]
    public async Task An_id_that_is_unknown_or_not_unique_changes_nothing()
    {
        await using var api = await ServeAsync("{}");

        Assert.Equal(1, await RunAsync(api, ReplicaCommand.Create, "drain", "x", "--reason", "leaks"));
        Assert.Equal(1, await RunAsync(api, ReplicaCommand.Create, "drain", "a-1", "--reason", "leaks"));

        Assert.Null(_change);
        Assert.Equal("No replica or worker is x.\na-1 is the beginning of a-12, a-13.\n", _terminal.Text);
        Assert.NotEmpty(ReplicaCommand.Create(new()).Parse(["drain", "a-12"]).Errors);
    }

    [Fact]
    public async Task Routes_are_listed_with_circuit_slots_models_and_drain()
    {
        await using var api = await ServeAsync("{}", list:
            """
            {"items":[{"id":"primary","circuit":{"state":"open"},"inFlight":3,"maxConcurrent":24,"models":{"fast":"a/one","agent":"a/two"},"drainPercent":50,"account":"openrouter.ai","ownKey":false,"failover":true},
             {"id":"secondary","circuit":{"state":"closed"},"inFlight":0,"maxConcurrent":16,"models":{"fast":"b/one","agent":"b/two"},"drainPercent":0,"account":"openrouter.ai","ownKey":true,"failover":true}]}
            """);

        Assert.Equal(0, await RunAsync(api, RouteCommand.Create));

        Assert.Equal(
            """
            primary    open    3 of 24 in use  fast a/one  agent a/two  drained by 50 %  openrouter.ai
            secondary  closed  0 of 16 in use  fast b/one  agent b/two  not drained      openrouter.ai, own key

            """,
            _terminal.Text);
    }

    [Theory]
    [InlineData(
        "drain primary 50", """{"id":"primary","drainPercent":50}""", "POST /primary/drain?percent=50 slow",
        "50 % of the turns of primary start on the other route.", 0)]
    [InlineData(
        "drain primary 50 --for 15m", """{"id":"primary","drainPercent":50,"until":"2026-11-28T12:15:00Z"}""",
        "POST /primary/drain?percent=50&forSeconds=900 slow",
        "50 % of the turns of primary start on the other route until 2026-11-28 12:15:00 UTC.", 0)]
    [InlineData(
        "drain primary 0", """{"id":"primary","drainPercent":0}""", "POST /primary/drain?percent=0 slow", "Turns start on primary again.",
        0)]
    [InlineData("test secondary --class fast", """{"id":"secondary","model":"b/one","ok":true,"firstTokenMs":320,"totalMs":810}""",
        "POST /secondary/test?class=fast slow", "secondary (b/one) answers: first token after 320 ms, 810 ms in all.", 0)]
    [InlineData("test secondary", """{"id":"secondary","model":"b/one","ok":false,"code":"upstream_error","status":503,"totalMs":12}""",
        "POST /secondary/test slow", "secondary (b/one) fails after 12 ms: upstream_error 503", 1)]
    [InlineData("models --swap agent", """{"changes":[{"name":"CHAT_MODEL_AGENT_PRIMARY","value":"b/two"}]}""", "POST /models slow",
        "CHAT_MODEL_AGENT_PRIMARY is b/two now.", 0)]
    public async Task A_route_is_drained_tested_and_gets_other_models(
        string arguments, string response, string change, string printed, int exitCode)
    {
        await using var api = await ServeAsync(response);

        Assert.Equal(exitCode, await RunAsync(api, RouteCommand.Create, [.. arguments.Split(' '), "--reason", "slow"]));

        Assert.Equal((change, $"{printed}\n"), (_change, _terminal.Text));
        Assert.NotEmpty(RouteCommand.Create(new()).Parse(["drain", "third", "5", "--reason", "slow"]).Errors);
    }

    private string? _change;

    private Task<ApiStub> ServeAsync(string response, string? list = null) => ApiStub.StartAsync((app, _) =>
    {
        app.MapGet("/api/ops/replicas", http => AnswerAsync(http, Replicas));
        app.MapGet("/api/ops/routes", http => AnswerAsync(http, list ?? "{}"));
        app.MapPost("/api/ops/{kind}/{**path}", http =>
        {
            _change = $"POST /{http.Request.RouteValues["path"]}{http.Request.QueryString} {http.Request.Headers["x-sendcat-reason"]}";
            return AnswerAsync(http, response);
        });
    });

    private static Task AnswerAsync(HttpContext http, string json)
    {
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(json);
    }

    private Task<int> RunAsync(ApiStub api, Func<OpsVerb, Command> create, params string[] args) =>
        create(new(_terminal.Console, _errors, "the key")).Parse([.. args, "--url", api.Address.ToString()]).InvokeAsync();
}
