using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Sendcat.ContractTests.Http;

public sealed partial class TimeFormatTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    [Fact]
    public async Task Every_response_writes_times_in_one_format()
    {
        var (user, _) = await Api.UserAsync($"times-{Guid.NewGuid():N}@example.com");
        using var operators = Api.WithBearer(SendcatApi.OpsKey);
        var thread = (string)(await (await user.PostAsync("/api/threads", null)).JsonAsync())["id"]!;
        await user.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = "hello" });
        await user.PostAsync($"/api/threads/{thread}/share", null);
        await user.PostAsJsonAsync("/api/favorites/lists", new { name = "Mine" });
        await user.PostAsJsonAsync("/api/favorites/toggle", new { type = "product", externalId = "1", item = new { } });
        await user.PostAsync("/api/packages/seed", null);

        foreach (var path in new[]
        {
            "/api/threads", $"/api/threads/{thread}", $"/api/threads/{thread}/messages", $"/api/threads/{thread}/share",
            $"/api/threads/{thread}/export?format=json", "/api/favorites", "/api/favorites/lists", "/api/packages",
        })
        {
            Assert.NotEmpty(Check(await (await user.GetAsync(path)).JsonAsync()));
        }

        Assert.NotEmpty(Check(JsonNode.Parse(await (await operators.GetAsync("/api/chat/health")).Content.ReadAsStringAsync())!));
    }

    /// <summary>All times of the response; each has the format.</summary>
    private static List<string> Check(JsonNode response)
    {
        List<string> times =
        [
            .. Leaves(response).Where(value => value.GetValueKind() == JsonValueKind.String).Select(value => (string)value!)
                .Where(text => AnyTime().IsMatch(text)),
        ];
        Assert.All(times, time => Assert.Matches(Format(), time));
        return times;
    }

    private static IEnumerable<JsonValue> Leaves(JsonNode? node) => node switch
    {
        JsonObject parts => parts.SelectMany(part => Leaves(part.Value)),
        JsonArray items => items.SelectMany(Leaves),
        JsonValue value => [value],
        _ => [],
    };

    [GeneratedRegex(@"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex AnyTime();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Format();
}
