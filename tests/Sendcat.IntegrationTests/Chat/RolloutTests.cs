using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>What the stages of the rollout do to a chat request, and what they call themselves.</summary>
public sealed class RolloutTests(SharedStores stores)
{
    [Fact]
    public async Task Shadow_admits_says_so_and_leaves_on_record_what_enforce_would_have_refused()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 1, ("SENDCAT_ROLLOUT_STAGE", "dev-shadow"));
        using var guest = await sendcat.GuestAsync();

        await using var first = await guest.ChatAsync(await guest.AskingAsync("[[emu chunks=400 every=50ms]]"));
        await first.UntilAsync("content");
        await using var second = await guest.ChatAsync(await guest.AskingAsync("[[emu chunks=1]]"));
        await using var refused = await guest.ChatAsync("nonsense");

        foreach (var answer in new[] { first, second, refused })
        {
            Assert.Equal(("shadow", "shadow"), (answer.Response.Header("X-Sendcat-Chat-Gateway"), answer.Response.Header("X-Sendcat-Admission-Mode")));
        }

        Assert.Equal("shadow", second.Response.Header("X-Sendcat-Chat-Gateway-Mode"));
        Assert.Equal("done", (await second.ToEndAsync())[^1].GetProperty("type").GetString());
        await Eventually.TrueAsync(async () => await WouldBlockAsync(sendcat.Database) == "user_inflight");
    }

    [Fact]
    public async Task Admission_that_is_off_admits_and_says_so()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 1, ("SENDCAT_ROLLOUT_STAGE", ""));
        using var guest = await sendcat.GuestAsync();

        await using var first = await guest.ChatAsync(await guest.AskingAsync("[[emu chunks=400 every=50ms]]"));
        await first.UntilAsync("content");
        await using var second = await guest.ChatAsync(await guest.AskingAsync("[[emu chunks=1]]"));

        Assert.Equal(("legacy", "shadow"), (second.Response.Header("X-Sendcat-Chat-Gateway"), second.Response.Header("X-Sendcat-Admission-Mode")));
        Assert.Equal("done", (await second.ToEndAsync())[^1].GetProperty("type").GetString());
    }

    [Fact]
    public async Task Without_a_provider_key_turns_are_misconfigured_and_health_is_not_ok()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 1, ("OPENROUTER_API_KEY", ""));
        using var guest = await sendcat.GuestAsync();

        await using var turn = await guest.ChatAsync(await guest.AskingAsync("hi"));
        await turn.Response.RefusedAsync(HttpStatusCode.InternalServerError, "misconfigured");
        using var health = await guest.Http.GetAsync("/api/chat/health");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.False((await health.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("ok").GetBoolean());
    }

    private static async Task<string?> WouldBlockAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand("select reason from reliability.rate_limit_events where bucket = 'chat_admission_shadow' and outcome = 'blocked'");
        return await command.ExecuteScalarAsync() as string;
    }
}
