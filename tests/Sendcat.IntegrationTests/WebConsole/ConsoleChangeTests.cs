using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;
using static Sendcat.IntegrationTests.WebConsole.ConsoleParts;

namespace Sendcat.IntegrationTests.WebConsole;

/// <summary>What an operator changes in the console.</summary>
[Collection(nameof(ConsoleCollection))]
public sealed class ConsoleChangeTests(ConsoleFixture console)
{
    /// <summary>The knobs are read every 15 s, and the tests share the readings.</summary>
    private const float KnobsAreReadMs = 30_000;

    [Fact]
    public async Task Dead_letters_are_found_and_all_that_match_requeued_by_clicking()
    {
        var page = await console.OpenAsync(console.Ann);
        await page.GetByRole(AriaRole.Link, new() { Name = "Dead letters" }).ClickAsync();
        await page.GetByLabel("Words in the arguments").FillAsync("running shoes");
        await page.GetByRole(AriaRole.Button, new() { Name = "Search", Exact = true }).ClickAsync();
        await Expect(page.GetByText("12 dead letters match")).ToBeVisibleAsync();
        await Expect(page.GetByText("requeued 3 times, last result failed")).ToHaveCountAsync(6);
        await page.GetByRole(AriaRole.Button, new() { Name = "Show details" }).First.ClickAsync();
        await ConsoleFixture.PictureAsync(page, "dead-letters");
        Assert.Empty(await ConsoleFixture.FindingsAsync(page));

        await page.GetByRole(AriaRole.Button, new() { Name = "Requeue all 12" }).ClickAsync();
        Assert.Empty(await ConsoleFixture.FindingsAsync(page));
        await ConfirmAsync(page, "the provider is back");

        await Expect(page.Locator(".changes li").First).ToContainTextAsync("12 changed");
        await Expect(page.GetByText("0 dead letters match")).ToBeVisibleAsync();
        var change = (await console.ApiAsync(HttpMethod.Get, "tool-jobs/dead-letters/changes")).GetProperty("items")[0];
        Assert.Equal(12, change.GetProperty("matched").GetInt32());
        Assert.Equal("the provider is back", change.GetProperty("reason").GetString());
        Assert.StartsWith("ann (operator)", change.GetProperty("actor").GetString(), StringComparison.Ordinal);
        await Expect(page.Locator(".changes li").First).ToContainTextAsync("12 whole");
        await ConsoleFixture.PictureAsync(page, "dead-letters-requeued");
        Assert.Equal("", string.Join('\n', console.Errors));
    }

    [Fact]
    public async Task A_knob_is_changed_and_the_change_undone()
    {
        const string Knob = "TOOL_JOB_REPLAY_PER_SEC";
        var page = await console.OpenAsync(console.Ann);
        await page.GetByRole(AriaRole.Link, new() { Name = "Knobs", Exact = true }).ClickAsync();
        await page.GetByLabel("Name or meaning").FillAsync(Knob);
        var before = await ValueAsync(Knob);
        await page.GetByRole(AriaRole.Button, new() { Name = $"Change {Knob}" }).ClickAsync();
        await page.GetByLabel("New value").FillAsync("7");
        await ConsoleFixture.PictureAsync(page, "knob-dialog");
        await ConfirmAsync(page, "slower, the provider is weak");

        await Expect(Row(page, "knobs", Knob)).ToContainTextAsync("operator");
        await Expect(Row(page, "knobs", Knob).Locator("b")).ToHaveTextAsync("7");
        Assert.Equal("7", await ValueAsync(Knob));

        await page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await Expect(Row(page, "knobs", Knob)).Not.ToContainTextAsync("operator");
        Assert.Equal(before, await ValueAsync(Knob));

        await page.GetByRole(AriaRole.Button, new() { Name = $"Change {Knob}" }).ClickAsync();
        await page.GetByLabel("New value").FillAsync("-1");
        await page.GetByLabel("Reason").FillAsync("a wrong value");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync(Knob);
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);

        await page.GetByRole(AriaRole.Link, new() { Name = "Audit", Exact = true }).ClickAsync();
        await Expect(Panel(page, "audit")).ToContainTextAsync("undo of: slower, the provider is weak");
        Assert.Equal("", string.Join('\n', console.Errors));
    }

    [Fact]
    public async Task A_knob_is_changed_for_a_time_with_a_warning_and_an_undo_keeps_the_time_that_was_left()
    {
        const string Knob = "CIRCUIT_OPENROUTER_PRIMARY_COOLDOWN_MS";
        await console.ApiAsync(HttpMethod.Put, $"knobs/{Knob}", new { value = 300_000, forSeconds = 7_200 });
        var page = await console.OpenAsync(console.Ann);
        await console.FailTurnsAsync();
        await Expect(Row(page, "circuits", "openrouter_chat_primary")).ToContainTextAsync("open");
        await page.GetByRole(AriaRole.Link, new() { Name = "Knobs", Exact = true }).ClickAsync();
        await page.GetByLabel("Name or meaning").FillAsync(Knob);
        await Expect(Row(page, "knobs", Knob)).ToContainTextAsync("then as configured", new() { Timeout = KnobsAreReadMs });
        await page.GetByRole(AriaRole.Button, new() { Name = $"Change {Knob}" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("keeps the cooldown it opened with");
        await page.GetByLabel("New value").FillAsync("120000");
        await page.GetByLabel("For", new() { Exact = true }).SelectOptionAsync("900");
        await ConsoleFixture.PictureAsync(page, "knob-term-dialog");
        Assert.Empty(await ConsoleFixture.FindingsAsync(page));
        await ConfirmAsync(page, "longer, it flaps");

        await Expect(Row(page, "knobs", Knob).Locator("b")).ToHaveTextAsync("120000");
        await Expect(Row(page, "knobs", Knob)).ToContainTextAsync("ends in 15 min");
        await page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await Expect(Row(page, "knobs", Knob).Locator("b")).ToHaveTextAsync("300000");
        await Expect(Row(page, "knobs", Knob)).ToContainTextAsync("ends in 2 h");
        await console.ApiAsync(HttpMethod.Delete, $"knobs/{Knob}");
        Assert.Equal("", string.Join('\n', console.Errors));
    }

    [Fact]
    public async Task The_caller_with_most_refusals_is_found_blocked_and_unblocked_by_clicking()
    {
        var page = await console.OpenAsync(console.Ann);
        await page.GetByRole(AriaRole.Link, new() { Name = "Callers", Exact = true }).ClickAsync();
        await page.GetByLabel("Most", new() { Exact = true }).SelectOptionAsync("refusals");
        var first = Panel(page, "callers").Locator("tbody tr", new() { HasText = "session:#" }).First;

        // Until the list is sorted anew, its first row is another caller.
        await Expect(first.Locator("td").Nth(2)).ToHaveTextAsync($"{ConsoleFixture.Refusals}");
        var caller = await first.Locator("code").TextContentAsync();
        await first.GetByRole(AriaRole.Button, new() { Name = $"Block {caller}" }).ClickAsync();
        await page.GetByLabel("Minutes").FillAsync("20");
        await ConsoleFixture.PictureAsync(page, "caller-dialog");
        Assert.Empty(await ConsoleFixture.FindingsAsync(page));
        await ConfirmAsync(page, "floods the chat");

        var blocked = page.GetByRole(AriaRole.Table, new() { Name = "Blocked callers" });
        await Expect(blocked).ToContainTextAsync("floods the chat");
        await Expect(first).ToContainTextAsync("blocked");
        await ConsoleFixture.PictureAsync(page, "callers");
        Assert.Empty(await ConsoleFixture.FindingsAsync(page));
        var block = (await console.ApiAsync(HttpMethod.Get, "callers")).GetProperty("blocked").EnumerateArray()
            .Single(each => each.GetProperty("caller").GetString() == caller);
        Assert.StartsWith("ann (operator)", block.GetProperty("blockedBy").GetString(), StringComparison.Ordinal);

        await blocked.GetByRole(AriaRole.Button, new() { Name = $"Unblock {caller}" }).ClickAsync();
        await ConfirmAsync(page, "it was a test of ours");
        await Expect(page.GetByText("Nobody is blocked.")).ToBeVisibleAsync();
        await Expect(first).Not.ToContainTextAsync("blocked");

        // A caller that no list shows, without the mouse.
        await page.GetByLabel("Another caller").FillAsync("192.0.2.77");
        await page.Keyboard.PressAsync("Enter");
        await page.GetByLabel("Reason").FillAsync("reported by a user");
        await page.Keyboard.PressAsync("Enter");
        await Expect(blocked).ToContainTextAsync("ip:192.0.2.77");
        await page.GetByRole(AriaRole.Button, new() { Name = "Unblock", Exact = true }).First.ClickAsync();
        await ConfirmAsync(page, "no user of ours");
        await Expect(page.GetByText("Nobody is blocked.")).ToBeVisibleAsync();
        Assert.Equal("", string.Join('\n', console.Errors));
    }

    private async Task<string?> ValueAsync(string knob) =>
        (await console.ApiAsync(HttpMethod.Get, "knobs")).GetProperty("items").EnumerateArray()
            .Single(item => item.GetProperty("name").GetString() == knob).GetProperty("value").GetString();
}
