using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>The effect of each rollout stage on a chat request, and the headers that report the stage.</summary>
public sealed class RolloutTests(SharedStores stores)
{
    [Fact]
    public async Task Shadow_mode_admits_reports_the_mode_in_headers_and_stores_what_enforce_would_refuse()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 1, ("SENDCAT_ROLLOUT_STAGE", "dev-shadow"));
        using var guest = await sendcat.GuestAsync();

        await using var first = await guest.ChatAsync(await guest.NewThreadAsync("[[emu chunks=400 every=50ms]]"));
        await first.ReadUntilAsync("content");
        await using var second = await guest.ChatAsync(await guest.NewThreadAsync("[[emu chunks=1]]"));
        await using var refused = await guest.ChatAsync("nonsense");

        foreach (var stream in new[] { first, second, refused })
        {
            Assert.Equal(
                ("shadow", "shadow"),
                (stream.Response.Header("X-Sendcat-Chat-Gateway"), stream.Response.Header("X-Sendcat-Admission-Mode")));
        }

        Assert.Equal("shadow", second.Response.Header("X-Sendcat-Chat-Gateway-Mode"));
        Assert.Equal("done", (await second.ReadToEndAsync())[^1].GetProperty("type").GetString());

        // The replica writes limit events to Postgres in the background, and nothing signals the write.
        await Eventually.TrueAsync(async () => await ShadowRefusalReasonAsync(sendcat.Database) == "user_inflight");
    }

    [Fact]
    public async Task Without_a_rollout_stage_admission_admits_and_reports_its_mode_in_headers()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 1, ("SENDCAT_ROLLOUT_STAGE", ""));
        using var guest = await sendcat.GuestAsync();

        await using var first = await guest.ChatAsync(await guest.NewThreadAsync("[[emu chunks=400 every=50ms]]"));
        await first.ReadUntilAsync("content");
        await using var second = await guest.ChatAsync(await guest.NewThreadAsync("[[emu chunks=1]]"));

        Assert.Equal(
            ("legacy", "shadow"), (second.Response.Header("X-Sendcat-Chat-Gateway"), second.Response.Header("X-Sendcat-Admission-Mode")));
        Assert.Equal("done", (await second.ReadToEndAsync())[^1].GetProperty("type").GetString());
    }

    [Fact]
    public async Task Without_a_provider_key_turns_are_refused_as_misconfigured_and_health_is_not_ok()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 1, ("OPENROUTER_API_KEY", ""));
        using var guest = await sendcat.GuestAsync();

        await using var turn = await guest.ChatAsync(await guest.NewThreadAsync("hi"));
        await turn.Response.RefusedAsync(HttpStatusCode.InternalServerError, "misconfigured");
        using var health = await guest.Http.GetAsync("/api/chat/health");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.False((await health.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("ok").GetBoolean());
    }

    /// <summary>The reason of the only limit event that admission stored in shadow mode; null while there is none.</summary>
    private static async Task<string?> ShadowRefusalReasonAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(
            "select reason from reliability.rate_limit_events where bucket = 'chat_admission_shadow' and outcome = 'blocked'");
        return await command.ExecuteScalarAsync() as string;
    }
}
