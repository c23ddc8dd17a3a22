using System.Net.Http.Headers;
using System.Net.Http.Json;
using Npgsql;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>A block of a caller on the replicas that did not get the operator's request.</summary>
public sealed class CallerBlockTests(SharedStores stores)
{
    private const string Caller = "ip:127.0.0.1";

    [Fact]
    public async Task A_block_and_its_end_are_in_force_on_another_replica_within_five_seconds()
    {
        await using var system = await SendcatSystem.StartAsync(stores, replicas: 2);
        using var guest = await system.GuestAsync();
        using var elsewhere = guest.At(system.Replicas[1]);
        Assert.False(await IsBlockedAsync(elsewhere));

        var began = TimeProvider.System.GetTimestamp();
        await ChangeAsync(system, "block", new { caller = Caller, minutes = 5 });
        await Eventually.TrueAsync(() => IsBlockedAsync(elsewhere));
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(5));

        began = TimeProvider.System.GetTimestamp();
        await ChangeAsync(system, "unblock", new { caller = Caller });
        await Eventually.TrueAsync(async () => !await IsBlockedAsync(elsewhere));
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_block_whose_signal_was_lost_is_read_from_the_database()
    {
        await using var system = await SendcatSystem.StartAsync(stores);
        using var guest = await system.GuestAsync();
        Assert.False(await IsBlockedAsync(guest));
        await using var database = NpgsqlDataSource.Create(system.Database);
        await using var block = database.CreateCommand(
            $"""
            -- block caller
            INSERT INTO caller_blocks (caller, until, blocked_at, blocked_by, reason)
            VALUES ('{Caller}', now() + interval '1 hour', now(), 'ann', 'flood')
            """);
        await block.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        await Eventually.TrueAsync(() => IsBlockedAsync(guest));
    }

    private static async Task<bool> IsBlockedAsync(SendcatClient guest)
    {
        await using var turn = await guest.PostChatAsync(new { message = "hello" });
        return turn.ErrorReason == "caller_blocked";
    }

    private static async Task ChangeAsync(SendcatSystem system, string change, object order)
    {
        using var http = new HttpClient { BaseAddress = system.Api.Address };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", SendcatSystem.OpsKey);
        http.DefaultRequestHeaders.Add("x-sendcat-reason", "a test");
        using var response = await http.PostAsJsonAsync($"/api/ops/callers/{change}", order);
        response.EnsureSuccessStatusCode();
    }
}
