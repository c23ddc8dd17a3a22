using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Sendcat.IntegrationTests.WebConsole;

/// <summary>The console in Chromium, over a system with load and faults.</summary>
public sealed partial class ConsolePageTests(ConsoleFixture console) : IClassFixture<ConsoleFixture>
{
    private static readonly string[] Panels =
    [
        "verdict", "alerts", "traffic", "routes", "circuits", "bulkheads", "lanes", "admission", "refused", "replicas", "budget", "posture",
        "cost", "cache", "replay", "schedule",
    ];

    /// <summary>The knobs are read every 15 s, and the tests share the readings.</summary>
    private const float KnobsAreReadMs = 30_000;

    private static readonly string[] Views = ["dead-letters", "turns", "timeline", "callers", "knobs", "audit"];

    [Fact]
    public async Task An_operator_signs_in_and_sees_every_part_of_the_system_live()
    {
        var page = await console.OpenAsync();
        await ConsoleFixture.PictureAsync(page, "sign-in");
        Assert.Empty(await ConsoleFixture.FindingsAsync(page));
        await page.GetByLabel("Your operator or viewer key").FillAsync("wrong");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("This key is not valid.");

        await page.GetByLabel("Your operator or viewer key").FillAsync(console.Ann);
        await page.Keyboard.PressAsync("Enter");

        // More than the refusals, which may be as recent: the verdict names the most frequent cause.
        await console.FailTurnsAsync(ConsoleFixture.Refusals + 5);

        await Expect(Panel(page, "verdict")).ToContainTextAsync("because of: provider");
        foreach (var panel in Panels)
        {
            await Expect(Panel(page, panel)).ToBeVisibleAsync();
            await Expect(Panel(page, panel)).Not.ToContainTextAsync("Loading");
        }

        await Expect(Panel(page, "alerts")).ToContainTextAsync("circuit open");
        await Expect(Row(page, "circuits", "openrouter_chat_primary")).ToContainTextAsync("open");
        await Expect(Row(page, "bulkheads", "openrouter_chat_primary")).ToContainTextAsync(InUse());
        await Expect(Row(page, "lanes", "search_web").Locator("a[href='#/dead-letters?tool=search_web']")).ToHaveTextAsync(DeadCount());
        await Expect(Panel(page, "admission")).ToContainTextAsync("user inflight");
        await Expect(Panel(page, "refused")).ToContainTextAsync("chat admission");
        await Expect(Panel(page, "budget")).ToContainTextAsync("availability");
        await Expect(Panel(page, "posture")).ToContainTextAsync("dev-enforce");
        await Expect(Panel(page, "cache")).ToContainTextAsync("search_web_");
        await Expect(page.Locator("[data-panel=traffic] canvas")).ToHaveCountAsync(3);
        await SeesWhatTheApiSaysAsync(page);
        await Expect(page.Locator(".person")).ToContainTextAsync("ann (operator)");
        await ConsoleFixture.PictureAsync(page, "now");
        Assert.Empty(await ConsoleFixture.FindingsAsync(page));

        // What another operator does is seen without a reload.
        await console.ApiAsync(HttpMethod.Post, "circuits/ebay_search/isolate?seconds=600");
        await Expect(Row(page, "circuits", "ebay_search")).ToContainTextAsync("by operator");
        await Row(page, "circuits", "ebay_search").GetByRole(AriaRole.Button, new() { Name = "Close" }).ClickAsync();
        await ConfirmAsync(page, "the shop is back");
        await Expect(Row(page, "circuits", "ebay_search")).ToContainTextAsync("closed");
        await Panel(page, "alerts").GetByRole(AriaRole.Button, new() { Name = "Acknowledge circuit open" }).First.ClickAsync();
        await ConfirmAsync(page, "I look at it");
        await Expect(Panel(page, "alerts")).ToContainTextAsync("taken over by ann (operator)");
        Assert.Equal("", string.Join('\n', console.Errors));
    }

    /// <summary>The panels whose content only the running system knows.</summary>
    private async Task SeesWhatTheApiSaysAsync(IPage page)
    {
        foreach (var process in (await console.ApiAsync(HttpMethod.Get, "replicas")).GetProperty("items").EnumerateArray())
        {
            var row = Row(page, "replicas", process.GetProperty("id").GetString()!);
            await Expect(row).ToContainTextAsync($"{process.GetProperty("kind")}, {process.GetProperty("host")}");
            await Expect(row).ToContainTextAsync("alive");
        }

        foreach (var job in (await console.ApiAsync(HttpMethod.Get, "schedule")).GetProperty("items").EnumerateArray())
        {
            await Expect(Row(page, "schedule", job.GetProperty("name").GetString()!))
                .ToContainTextAsync(job.GetProperty("description").GetString()!);
        }

        foreach (var route in (await console.ApiAsync(HttpMethod.Get, "routes")).GetProperty("items").EnumerateArray())
        {
            var models = route.GetProperty("models");
            var row = Row(page, "routes", route.GetProperty("id").GetString()!);
            await Expect(row).ToContainTextAsync($"fast {models.GetProperty("fast")}, agent {models.GetProperty("agent")}");
            await Expect(row).ToContainTextAsync(route.GetProperty("circuit").GetProperty("state").GetString()!);
        }

        var cost = (await console.ApiAsync(HttpMethod.Get, "snapshot?minutes=15")).GetProperty("cost");
        foreach (var model in cost.GetProperty("byModel").EnumerateArray())
        {
            await Expect(Row(page, "cost", model.GetProperty("model").GetString()!)).ToContainTextAsync(InUse());
        }

        Assert.NotEmpty(cost.GetProperty("byModel").EnumerateArray());
        await Expect(Row(page, "replay", "whatsapp_message").Locator("td")).ToHaveTextAsync(["3", "1", "2"]);

        // A minute with 50 turns that were served, and one that nobody recorded.
        var minutes = Panel(page, "traffic").GetByRole(AriaRole.Table, new() { Name = "Requests per minute", IncludeHidden = true });
        await Expect(minutes.Locator("tr", new() { HasText = Minute(20) }).Locator("td")).ToHaveTextAsync(["50", "0", "0"]);
        await Expect(minutes.Locator("tr", new() { HasText = Minute(31) }).Locator("td")).ToHaveTextAsync(["none", "none", "none"]);

        string Minute(int age) => console.HistoryEnd.AddMinutes(-age).ToString("HH:mm", CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_turn_is_found_by_its_trace_and_told_as_a_timeline_with_its_failover_and_two_tool_jobs()
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
    public async Task The_incident_is_told_in_the_order_of_time_and_saved_for_the_post_mortem()
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

    [Fact]
    public async Task A_viewer_on_a_small_dark_screen_reads_everything_and_can_change_nothing()
    {
        var page = await console.OpenAsync(ConsoleFixture.Viewer, width: 360, height: 740, dark: true);
        await Expect(Panel(page, "schedule")).Not.ToContainTextAsync("Loading");
        await FitsAsync("now");

        foreach (var view in Views)
        {
            await page.GotoAsync($"/#/{view}");
            await Expect(page.Locator("main h1")).Not.ToHaveTextAsync("Now");
            await Expect(page.Locator("main .panel").First).Not.ToContainTextAsync("Loading");
            await FitsAsync(view);
        }

        // Not even with a request of its own.
        var status = await page.EvaluateAsync<int>(
            """
            async () => (await fetch('/api/ops/admission/off', {
              method: 'POST', headers: { 'x-sendcat-console': '1', 'x-sendcat-reason': 'test' } })).status
            """);
        Assert.Equal(403, status);
        Assert.Equal("", string.Join('\n', console.Errors));

        async Task FitsAsync(string view)
        {
            await ConsoleFixture.PictureAsync(page, $"small-dark-{view}");
            Assert.Equal(360, await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
            Assert.Empty((await ConsoleFixture.FindingsAsync(page)).Select(finding => $"{view}: {finding}"));
            await Expect(page.GetByRole(AriaRole.Button, new() { NameRegex = Changes() })).ToHaveCountAsync(0);
        }
    }

    [Fact]
    public async Task The_keyboard_is_enough_and_both_colours_have_contrast()
    {
        var page = await console.OpenAsync(console.Ann, dark: true);
        await Expect(Panel(page, "traffic").Locator("canvas").First).ToBeVisibleAsync();
        Assert.Empty(await ConsoleFixture.FindingsAsync(page));
        await ConsoleFixture.PictureAsync(page, "now-dark");

        // A chart says the value of each minute.
        var plot = Panel(page, "traffic").Locator(".plot").First;
        await plot.FocusAsync();
        await page.Keyboard.PressAsync("Home");
        var first = await Panel(page, "traffic").Locator(".legend").First.TextContentAsync();
        await page.Keyboard.PressAsync("ArrowRight");
        await Expect(Panel(page, "traffic").Locator(".legend").First).Not.ToHaveTextAsync(first!);

        // And what happened near it, which the dashed lines show.
        var mark = Panel(page, "traffic").Locator(".legend").First.Locator(".mark");
        await page.Keyboard.PressAsync("End");
        for (var step = 0; step < 20 && !(await mark.AllTextContentsAsync()).Contains("deployment: api"); step++)
        {
            await page.Keyboard.PressAsync("ArrowLeft");
        }

        await Expect(mark.Filter(new() { HasText = "deployment: api" })).ToBeVisibleAsync();

        // A change, without the mouse.
        await page.GotoAsync("/#/knobs?name=CHAT_DRAIN_MS");
        await page.GetByLabel("Name or meaning").FocusAsync();
        for (var step = 0; step < 4; step++)
        {
            await page.Keyboard.PressAsync("Tab");
            if (await page.EvaluateAsync<bool>("() => document.activeElement.textContent.startsWith('Change')"))
            {
                break;
            }
        }

        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Change CHAT_DRAIN_MS" })).ToBeFocusedAsync();
        Assert.Equal("", string.Join('\n', console.Errors));
    }

    [Fact]
    public async Task A_revoked_key_ends_the_session_of_an_open_page()
    {
        var key = await console.MakeKeyAsync("bob", "operator");
        var page = await console.OpenAsync(key);
        await console.ApiAsync(HttpMethod.Delete, "keys/bob");
        await page.GetByRole(AriaRole.Link, new() { Name = "Dead letters" }).ClickAsync();

        await Expect(page.GetByText("Sign in again.")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Sign in" })).ToBeVisibleAsync();
    }

    private static ILocator Panel(IPage page, string name) => page.Locator($"[data-panel={name}]");

    private static ILocator Row(IPage page, string panel, string name) =>
        Panel(page, panel).Locator("tr", new() { Has = page.GetByRole(AriaRole.Rowheader, new() { Name = name, Exact = false }) }).First;

    private static async Task ConfirmAsync(IPage page, string reason)
    {
        var dialog = page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("Reason").FillAsync(reason);
        await dialog.Locator("button[type=submit]").ClickAsync();
        await Expect(dialog).ToHaveCountAsync(0);
    }

    private async Task<string?> ValueAsync(string knob) =>
        (await console.ApiAsync(HttpMethod.Get, "knobs")).GetProperty("items").EnumerateArray()
            .Single(item => item.GetProperty("name").GetString() == knob).GetProperty("value").GetString();

    /// <summary>Before and after the requeue of another test.</summary>
    [GeneratedRegex("^(?:49|37)$", RegexOptions.None, 1_000)]
    private static partial Regex DeadCount();

    [GeneratedRegex("[1-9]", RegexOptions.None, 1_000)]
    private static partial Regex InUse();

    [GeneratedRegex(
        "^(?:Acknowledge|Close|Isolate|Switch|Clear|Run now|Release|Requeue|Discard|Change|Drain|Test|Swap|Block|Unblock|Restart)",
        RegexOptions.None,
        1_000)]
    private static partial Regex Changes();
}
