using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;
using static Sendcat.IntegrationTests.WebConsole.ConsoleParts;

namespace Sendcat.IntegrationTests.WebConsole;

/// <summary>The console in Chromium, over a system with load and faults: what it shows, to whom, and by which means it is used.</summary>
[Collection(nameof(ConsoleCollection))]
public sealed partial class ConsolePageTests(ConsoleFixture console)
{
    private static readonly string[] Panels =
    [
        "verdict", "alerts", "traffic", "routes", "circuits", "bulkheads", "lanes", "admission", "refused", "replicas", "budget", "posture",
        "cost", "cache", "replay", "schedule",
    ];

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
    public async Task The_response_to_an_earlier_search_is_dropped_however_late_it_comes()
    {
        var page = await console.OpenAsync(ConsoleFixture.Viewer);
        var released = new TaskCompletionSource();
        await page.RouteAsync("**/api/ops/tool-jobs/dead-letters/count", async route =>
        {
            await released.Task;
            await route.ContinueAsync();
        });
        await page.GetByRole(AriaRole.Link, new() { Name = "Dead letters" }).ClickAsync();
        await page.GetByLabel("Fingerprint").FillAsync("000000000000");
        await page.GetByRole(AriaRole.Button, new() { Name = "Search", Exact = true }).ClickAsync();
        await Expect(page.GetByText("0 dead letters match")).ToBeVisibleAsync();

        // The response is an event of the page before the page has read it; a further request of the page comes after that.
        await page.RunAndWaitForResponseAsync(
            () => { released.SetResult(); return Task.CompletedTask; },
            response => response.Url.EndsWith("/dead-letters/count", StringComparison.Ordinal));
        await page.EvaluateAsync("() => fetch('/api/ops/self').then(response => response.text())");

        await Expect(page.GetByText("0 dead letters match")).ToBeVisibleAsync();
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
