using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;
using static Sendcat.IntegrationTests.WebConsole.ConsoleParts;

namespace Sendcat.IntegrationTests.WebConsole;

/// <summary>What happened to one turn, and to the system, as the console shows it.</summary>
[Collection(nameof(ConsoleCollection))]
public sealed class ConsoleTimelineTests(ConsoleFixture console)
{
    [Fact]
    public async Task A_turn_is_found_by_its_trace_and_shown_as_a_timeline_with_its_failover_and_two_tool_jobs()
    {
        var page = await console.OpenAsync(ConsoleFixture.Viewer);
        await page.GetByRole(AriaRole.Link, new() { Name = "Turns", Exact = true }).ClickAsync();
        await page.GetByLabel("Stream, thread, message or trace id").FillAsync(ConsoleFixture.Trace);
        await page.GetByRole(AriaRole.Button, new() { Name = "Find", Exact = true }).ClickAsync();

        var turn = Panel(page, "turn");
        await Expect(turn.Locator("header")).ToContainTextAsync("completed");
        await Expect(turn.Locator(".pairs")).ToContainTextAsync(ConsoleFixture.Trace, new() { IgnoreCase = true });
        await Expect(turn.Locator(".pairs")).ToContainTextAsync("user inflight 0 of");
        foreach (var kind in new[] { "gate", "route", "failover", "first_token", "tool", "job", "tool_end", "end" })
        {
            await Expect(turn.Locator($".timeline .{kind}").First).ToBeVisibleAsync();
        }

        var calls = turn.GetByRole(AriaRole.Table, new() { Name = "Calls of models" });
        await Expect(calls.GetByText("primary: failed").First).ToBeVisibleAsync();
        await Expect(calls.GetByText("secondary: chosen").First).ToBeVisibleAsync();
        var tools = turn.GetByRole(AriaRole.Table, new() { Name = "Tools" }).Locator("tbody tr");
        await Expect(tools).ToHaveCountAsync(2);
        for (var tool = 0; tool < 2; tool++)
        {
            await Expect(tools.Nth(tool)).ToContainTextAsync("search_web");
            await Expect(tools.Nth(tool)).ToContainTextAsync("completed");
        }

        await ConsoleFixture.PictureAsync(page, "turn");
        Assert.Empty(await ConsoleFixture.FindingsAsync(page));
        Assert.Equal("", string.Join('\n', console.Errors));
    }

    [Fact]
    public async Task The_incident_is_shown_in_the_order_of_time_and_saved_for_the_post_mortem()
    {
        var page = await console.OpenAsync(ConsoleFixture.Viewer);
        await page.GetByRole(AriaRole.Link, new() { Name = "Incident", Exact = true }).ClickAsync();
        var rows = Panel(page, "timeline").Locator("tbody tr");
        foreach (var (kind, subject) in new[]
        {
            ("process started", "worker"), ("circuit opened", "openrouter_chat_primary"),
            ("alert raised", "circuit_open openrouter_chat_primary"),
        })
        {
            await Expect(rows.Filter(new() { HasText = kind }).Filter(new() { HasText = subject }).First).ToBeVisibleAsync();
        }

        var saved = await page.RunAndWaitForDownloadAsync(
            () => page.GetByRole(AriaRole.Link, new() { Name = "Save as Markdown" }).ClickAsync());
        Assert.EndsWith(".md", saved.SuggestedFilename, StringComparison.Ordinal);
        Assert.Contains(
            "circuit_open openrouter_chat_primary", await File.ReadAllTextAsync(await saved.PathAsync()), StringComparison.Ordinal);
        Assert.Equal("", string.Join('\n', console.Errors));
    }
}
