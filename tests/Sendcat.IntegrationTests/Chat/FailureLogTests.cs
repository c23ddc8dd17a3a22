using Sendcat.IntegrationTests.ChatTools;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>What a replica logs when turns fail.</summary>
public sealed class FailureLogTests(SharedStores stores)
{
    private const int Turns = 8;

    [Fact]
    public async Task Turns_that_fail_for_one_cause_are_one_line_and_their_calls_one_line_for_each_route()
    {
        await using var sendcat = await SendcatSystem.StartProcessesAsync(
            stores, replicas: 1, ("CIRCUIT_OPENROUTER_PRIMARY_THRESHOLD", "100"), ("CIRCUIT_OPENROUTER_SECONDARY_THRESHOLD", "100"));
        var api = sendcat.Api.Process;
        sendcat.Model.Direct("[[emu status=503]]");
        for (var turn = 0; turn < Turns; turn++)
        {
            await sendcat.TurnAsync("hello", webSearch: false);
        }

        await api.StopAsync();

        var lines = api.Output.Split('\n').SkipWhile(line => !line.Contains("Application started", StringComparison.Ordinal))
            .Where(line => line.Contains(" warn: ", StringComparison.Ordinal) || line.Contains(" fail: ", StringComparison.Ordinal)
                || line.Contains(" info: Sendcat.", StringComparison.Ordinal)).ToList();
        Assert.Equal(
            [
                $"[3014] {Turns} turns failed within a minute: upstream_unavailable on route secondary, provider status 503; "
                + "one of them is",
                $"[4003] {Turns} model calls failed within a minute on route primary: upstream_unavailable, status 503; "
                + "one of them is of stream",
                $"[4003] {Turns} model calls failed within a minute on route secondary: upstream_unavailable, status 503; "
                + "one of them is of stream",
            ],
            lines.Select(line => line[line.IndexOf('[', StringComparison.Ordinal)..line.LastIndexOf(' ')]).Order());
    }
}
