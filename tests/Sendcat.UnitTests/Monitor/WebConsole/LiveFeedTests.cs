using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Monitor.WebConsole;

namespace Sendcat.UnitTests.Monitor.WebConsole;

public sealed class LiveFeedTests
{
    [Fact]
    public async Task Viewers_get_every_section_and_share_one_poll()
    {
        await using var api = await ApiStub.StartAsync(ConsoleHost.MapApi);
        await using var monitor = await ConsoleHost.StartAsync(api.Address.AbsoluteUri, clock: StoppedClock());
        var (_, ann) = await monitor.SignInAsync(ConsoleHost.OperatorKey);
        var (_, bob) = await monitor.SignInAsync(ConsoleHost.ViewerKey);
        Assert.Equal(0, SnapshotReads(api));

        await using var first = await FollowAsync(monitor, ann);
        var seen = await SectionsAsync(first, LiveSection.All.Count + 1);
        await using var second = await FollowAsync(monitor, bob);
        var same = await SectionsAsync(second, LiveSection.All.Count + 1);

        Assert.Equal(LiveSection.All.Select(section => section.Name).Append("apis").Order(), seen.Keys.Order());
        Assert.Equal(seen.Keys.Order(), same.Keys.Order());
        Assert.All(
            LiveSection.All.Where(section => section.Name != LiveSection.Health),
            section => Assert.Equal(
                $"Bearer {ConsoleHost.ViewerKey}", seen[section.Name].GetProperty("data").GetProperty("key").GetString()));
        Assert.Equal(1, SnapshotReads(api));
    }

    [Fact]
    public async Task A_change_is_read_at_once()
    {
        var (reads, again) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await using var api = await ApiStub.StartAsync((app, stub) =>
        {
            app.MapGet("/api/ops/circuits", () =>
            {
                if (Interlocked.Increment(ref reads) == 2)
                {
                    again.SetResult();
                }

                return Results.Json(new { key = "" });
            });
            ConsoleHost.MapApi(app, stub);
        });
        await using var monitor = await ConsoleHost.StartAsync(api.Address.AbsoluteUri, clock: StoppedClock());
        var (_, cookie) = await monitor.SignInAsync(ConsoleHost.OperatorKey);
        await using var viewer = await FollowAsync(monitor, cookie);
        await SectionsAsync(viewer, LiveSection.All.Count + 1);

        using var change = ConsoleHost.Change(HttpMethod.Post, "api/ops/circuits/ebay/close", cookie: cookie);
        await monitor.Http.SendAsync(change, TestContext.Current.CancellationToken);

        await again.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Old_data_stays_with_the_problem_and_same_data_is_not_sent_again()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var feed = new LiveFeed(clock);
        feed.Publish("circuits", 200, JsonNode.Parse("""{"items":[]}"""), null);
        clock.Advance(TimeSpan.FromSeconds(7));
        feed.Publish("circuits", 0, null, "The API does not respond");

        var cancellationToken = TestContext.Current.CancellationToken;
        await using var viewer = feed.FollowAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        Assert.True(await viewer.MoveNextAsync());
        Assert.Equal(LiveFeed.BeatEvent, viewer.Current.EventType);
        Assert.True(await viewer.MoveNextAsync());
        Assert.Equal(
            """{"name":"circuits","at":"1970-01-01T00:00:00+00:00","status":0,"problem":"The API does not respond","data":{"items":[]}}""",
            viewer.Current.Data);

        var next = viewer.MoveNextAsync();
        feed.Publish("circuits", 0, null, "The API does not respond");
        Assert.False(next.IsCompleted);
        feed.Publish("circuits", 200, JsonNode.Parse("""{"items":[1]}"""), null);
        Assert.True(await next);
        Assert.Contains("\"items\":[1]", viewer.Current.Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_feed_ends_when_the_key_is_revoked_and_needs_a_session()
    {
        var revoked = false;
        await using var api = await ApiStub.StartAsync((app, _) => app.MapGet(
            "/api/ops/self", () => revoked ? Results.Text("no", statusCode: 401) : Results.Json(new { name = "ann", role = "viewer" })));
        await using var monitor = await ConsoleHost.StartAsync(api.Address.AbsoluteUri);
        var (_, cookie) = await monitor.SignInAsync("a key of ann");
        revoked = true;

        await using var viewer = await FollowAsync(monitor, cookie);

        Assert.True(await viewer.MoveNextAsync());
        Assert.Equal("signed-out", viewer.Current.EventType);
        Assert.False(await viewer.MoveNextAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, (await monitor.GetAsync("api/live")).StatusCode);
    }

    private static int SnapshotReads(ApiStub api)
    {
        lock (api.Requests)
        {
            return api.Requests.Count(request => request == "GET /api/ops/snapshot");
        }
    }

    private static FakeTimeProvider StoppedClock() => new(TimeProvider.System.GetUtcNow());

    private static async Task<IAsyncEnumerator<SseItem<string>>> FollowAsync(ConsoleHost monitor, string cookie)
    {
        var response = await monitor.GetAsync("api/live", cookie);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        return SseParser.Create(body).EnumerateAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator();
    }

    private static async Task<Dictionary<string, JsonElement>> SectionsAsync(IAsyncEnumerator<SseItem<string>> viewer, int count)
    {
        var sections = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        while (sections.Count < count && await viewer.MoveNextAsync())
        {
            if (viewer.Current.EventType == LiveFeed.SectionEvent)
            {
                var section = JsonSerializer.Deserialize<JsonElement>(viewer.Current.Data);
                sections[section.GetProperty("name").GetString()!] = section;
            }
        }

        return sections;
    }
}
