namespace Sendcat.EndToEndTests;

/// <summary>Tests in which a command stops, starts or restarts a resource while a guest uses the system.</summary>
[Collection(WholeSystems.Name)]
public sealed class ResourceCommandTests(RunningSystem system)
{
    [Fact]
    public async Task A_job_whose_worker_is_stopped_is_finished_when_workers_start_again()
    {
        await system.WaitForAllAsync();
        using var upstreams = system.App.CreateHttpClient("upstreams", "http");
        await upstreams.PostAsync("/stats/reset", null);
        await upstreams.PostAsync("/rest/emulator/directions", new StringContent("[[emu at=serper/search hang=before-headers]]"));
        using var guest = await Guest.CreateAsync(system.App.CreateHttpClient("api"));
        var thread = await guest.NewThreadAsync("""[[emu tool=search_web args={"query":"kettle"}]]""");
        var turn = guest.RunTurnAsync(thread).ToListAsync().AsTask();
        await upstreams.GetStringAsync("/stats/wait?upstream=serper&started=1&timeoutMs=30000");

        await system.CommandAsync("tool-worker", KnownResourceCommands.StopCommand);
        await upstreams.DeleteAsync("/rest/emulator/directions");
        await system.CommandAsync("tool-worker", KnownResourceCommands.StartCommand);

        var events = await turn;
        Assert.Equal("done", events[^1].Type());
        Assert.DoesNotContain(events, e => e.Type() is "tool-backpressure" or "error");
        Assert.Contains(events, e => e.Type() == "tool-output-partially-available" && e.GetProperty("output").GetArrayLength() > 0);
    }

    [Fact]
    public async Task A_thread_is_unchanged_after_a_restart_of_the_api()
    {
        await system.WaitForAllAsync();
        using var guest = await Guest.CreateAsync(system.App.CreateHttpClient("api"));
        var thread = await guest.NewThreadAsync("What is a good kettle?");
        await guest.RunTurnAsync(thread).ToListAsync();
        var before = await guest.ReadAsync(thread);

        await system.CommandAsync("api", KnownResourceCommands.RestartCommand);
        await system.WaitForAllAsync();

        Assert.Equal(before, await guest.ReadAsync(thread));
    }
}
