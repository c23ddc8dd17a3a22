using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Sendcat.IntegrationTests.WebConsole;

/// <summary>Parts of the page by their names.</summary>
internal static class ConsoleParts
{
    public static ILocator Panel(IPage page, string name) => page.Locator($"[data-panel={name}]");

    public static ILocator Row(IPage page, string panel, string name) =>
        Panel(page, panel).Locator("tr", new() { Has = page.GetByRole(AriaRole.Rowheader, new() { Name = name, Exact = false }) }).First;

    public static async Task ConfirmAsync(IPage page, string reason)
    {
        var dialog = page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("Reason").FillAsync(reason);
        await dialog.Locator("button[type=submit]").ClickAsync();
        await Expect(dialog).ToHaveCountAsync(0);
    }
}
