using System.Net;
using System.Text.Json.Nodes;
using Sendcat.Reliability.Slo;

namespace Sendcat.ContractTests.Ops;

/// <summary>Service levels for operators and viewers: <c>GET /api/ops/slo</c>.</summary>
public sealed class SloTests(PostgresFixture postgres)
{
    private const string Viewer = "a viewer key for these tests";
    private const string Chat = "/api/chat";

    [Fact]
    public async Task An_outage_burns_the_budget_and_minutes_that_nobody_recorded_are_gaps()
    {
        await using var api = await StartAsync(("SENDCAT_CAPACITY_TIER", "G"));
        Guid[] replicas = [Guid.NewGuid(), Guid.NewGuid()];
        DateTimeOffset end;
        JsonNode slo;
        do
        {
            // The newest minute counts five seconds after its end. When it ends meanwhile, everything is written again.
            end = SliWindows.MinuteOf(TimeProvider.System.GetUtcNow().AddSeconds(-5));
            await api.ExecuteAsync("DELETE FROM reliability.sli_minutes");
            foreach (var replica in replicas)
            {
                await WriteAsync(api, replica, Enumerable.Range(1, 40).Where(age => age is not (7 or 8)).Select(age =>
                    Minute(end.AddMinutes(-age), failed: age <= 5 ? 10 : 0, served: age <= 5 ? 0 : 10)));
            }

            slo = await ReadAsync(api, "?minutes=30");
        }
        while ((DateTimeOffset)slo["until"]! != end);

        Assert.Equal(("G", 30, SloPolicy.Default.Version), ((string)slo["tier"]!, (int)slo["budgetDays"]!, (string)slo["policyVersion"]!));
        var availability = slo["objectives"]!.AsArray().First()!;
        Assert.Equal(
            (Chat, "availability", 0.999),
            ((string)availability["endpoint"]!, (string)availability["indicator"]!, (double)availability["target"]!));
        Assert.Equal("""{"primary":"chat-runtime"}""", availability["owner"]!.ToJsonString());
        Assert.Equal(
            """{"minutes":43200,"gapMinutes":43162,"total":760,"bad":100,"rate":131.578947}""", availability["budget"]!.ToJsonString());
        Assert.Equal(-130.578947, (double)availability["budgetLeft"]!, 6);
        var alert = availability["alerts"]!.AsArray().First()!;
        Assert.Equal(
            ("burn_14.4", "page", "firing"), ((string)alert["name"]!, (string)alert["severity"]!, (string)alert["state"]!));
        Assert.Equal("""{"minutes":60,"gapMinutes":22,"total":760,"bad":100,"rate":131.578947}""", alert["long"]!.ToJsonString());
        Assert.Equal("""{"minutes":5,"gapMinutes":0,"total":100,"bad":100,"rate":1000}""", alert["short"]!.ToJsonString());

        var endpoint = slo["endpoints"]!.AsArray().First()!;
        Assert.Equal(("critical", 0.384615), ((string)endpoint["level"]!, (double)endpoint["failedRate"]!));
        Assert.Equal("""{"minutes":15,"gapMinutes":2}""", endpoint["window"]!.ToJsonString());
        Assert.Equal("""{"minServed":0.95,"maxFailed":0.005,"maxShed":0.04}""", endpoint["limits"]!.ToJsonString());
        Assert.Equal("""{"upstream_error":100}""", endpoint["reasons"]!.ToJsonString());
        var minutes = endpoint["minutes"]!.AsArray();
        Assert.Equal(28, minutes.Count);
        Assert.DoesNotContain(minutes, minute => (DateTimeOffset)minute!["at"]! == end.AddMinutes(-7));
        Assert.Equal((2, 20L, 0L), ((int)minutes[0]!["replicas"]!, (long)minutes[0]!["served"]!, (long)minutes[0]!["failed"]!));
        Assert.Equal(975, (double)minutes[0]!["p95FirstTokenMs"]!);
        Assert.Null(minutes[^1]!["p95FirstTokenMs"]);
        Assert.Equal(end.AddMinutes(-1), (DateTimeOffset)minutes[^1]!["at"]!);
    }

    [Fact]
    public async Task Without_a_record_everything_is_unknown_and_nothing_is_zero()
    {
        await using var api = await StartAsync();
        await api.ExecuteAsync("DELETE FROM reliability.sli_minutes");

        var slo = await ReadAsync(api, "");

        Assert.Equal("L", (string)slo["tier"]!);
        Assert.Equal(SloPolicy.Default.Objectives("L").Count, slo["objectives"]!.AsArray().Count);
        Assert.All(slo["objectives"]!.AsArray(), objective =>
        {
            Assert.Null(objective!["budgetLeft"]);
            Assert.All(objective["alerts"]!.AsArray(), alert => Assert.Equal("unknown", (string)alert!["state"]!));
        });
        Assert.All(slo["endpoints"]!.AsArray(), endpoint =>
        {
            Assert.Equal("unknown", (string)endpoint!["level"]!);
            Assert.Null(endpoint["failedRate"]);
            Assert.Empty(endpoint["minutes"]!.AsArray());
        });
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1441")]
    [InlineData("-1")]
    [InlineData("many")]
    public async Task Other_numbers_of_minutes_are_refused(string minutes)
    {
        var api = await postgres.ApiAsync();

        await (await api.WithBearer(SendcatApi.OpsKey).GetAsync($"/api/ops/slo?minutes={minutes}"))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task A_key_is_required()
    {
        var api = await postgres.ApiAsync();

        await (await api.Anyone.GetAsync("/api/ops/slo")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    private Task<SendcatApi> StartAsync(params (string Name, string Value)[] settings) =>
        SendcatApi.StartAsync(postgres, settings.Append(("OPS_VIEWER_KEY", Viewer)).ToDictionary());

    private static async Task<JsonNode> ReadAsync(SendcatApi api, string query)
    {
        using var response = await api.WithBearer(Viewer).GetAsync("/api/ops/slo" + query);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.JsonAsync();
    }

    private static Task WriteAsync(SendcatApi api, Guid replica, IEnumerable<SliMinute> minutes) =>
        new SliStore(api.Database).WriteAsync(replica, [.. minutes], CancellationToken.None);

    private static SliMinute Minute(DateTimeOffset start, int failed, int served)
    {
        var minute = new SliMinute(start, Chat);
        for (var request = 0; request < served; request++)
        {
            minute.Add(new(SliOutcome.Served, FirstToken: TimeSpan.FromMilliseconds(800), Completion: TimeSpan.FromSeconds(4)));
        }

        for (var request = 0; request < failed; request++)
        {
            minute.Add(new(SliOutcome.Failed, "upstream_error"));
        }

        return minute;
    }
}
