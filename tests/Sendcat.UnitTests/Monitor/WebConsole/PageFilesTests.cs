using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Monitor.WebConsole;

namespace Sendcat.UnitTests.Monitor.WebConsole;

public sealed partial class PageFilesTests
{
    private const int Budget = 60 * 1024;

    [Fact]
    public void The_page_is_at_most_60_KiB_compressed() => Assert.InRange(new PageFiles().CompressedBytes, 30_000, Budget);

    [Fact]
    public async Task Every_response_forbids_foreign_and_inline_content_and_frames()
    {
        await using var monitor = await ConsoleHost.StartAsync("http://127.0.0.1:1");

        string[] paths = ["", "assets/console.js", "assets/none.js", "api/session", "api/ops/knobs", "api/live", "api/status"];
        foreach (var path in paths)
        {
            var response = await monitor.GetAsync(path);

            Assert.Equal(PageHeaders.ContentPolicy, response.Headers.GetValues("Content-Security-Policy").Single());
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal("DENY", response.Headers.GetValues("X-Frame-Options").Single());
            Assert.Equal("no-referrer", response.Headers.GetValues("Referrer-Policy").Single());
        }

        Assert.StartsWith("default-src 'self';", PageHeaders.ContentPolicy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", PageHeaders.ContentPolicy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_refers_to_its_own_files_alone_and_has_no_inline_script_or_style()
    {
        await using var monitor = await ConsoleHost.StartAsync("http://127.0.0.1:1");
        var page = await monitor.Http.GetStringAsync("", TestContext.Current.CancellationToken);

        Assert.Empty(Inline().Matches(page));
        var references = Reference().Matches(page).Select(reference => reference.Groups["path"].Value).ToList();
        Assert.InRange(references.Count, 5, 20);
        foreach (var path in references)
        {
            Assert.StartsWith("/assets/", path, StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, (await monitor.GetAsync(path)).StatusCode);
        }
    }

    [Fact]
    public async Task Files_are_compressed_and_known_by_their_tag()
    {
        await using var monitor = await ConsoleHost.StartAsync("http://127.0.0.1:1");
        using var first = new HttpRequestMessage(HttpMethod.Get, "assets/console.js") { Headers = { { "Accept-Encoding", "gzip" } } };
        var script = await monitor.Http.SendAsync(first, TestContext.Current.CancellationToken);
        using var again = new HttpRequestMessage(HttpMethod.Get, "assets/console.js")
        {
            Headers = { { "Accept-Encoding", "gzip" }, { "If-None-Match", script.Headers.ETag!.ToString() } },
        };

        Assert.Equal("gzip", script.Content.Headers.ContentEncoding.Single());
        Assert.Equal("text/javascript", script.Content.Headers.ContentType!.MediaType);
        Assert.Equal(HttpStatusCode.NotModified, (await monitor.Http.SendAsync(again, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public void Vendored_files_have_their_licences()
    {
        var names = new PageFiles().Names;

        Assert.All(["preact", "htm", "uplot"], package => Assert.Contains($"vendor/LICENSE-{package}.txt", names));
    }

    [Fact]
    public void Modules_become_one_script_in_the_order_of_their_imports()
    {
        var script = PageScript.Join(new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ui.js"] = "import { h } from './vendor/preact.mjs';\nexport { useState } from './vendor/hooks.mjs';\nexport { h };\n",
            ["panels/one.js"] = "// One.\nimport { h, useState } from '../ui.js';\nexport const One = () => {\n  return h(useState);\n};\n",
            ["main.js"] = "import { One } from './panels/one.js';\nOne();\n",
        });

        Assert.Equal(
            """
            import { h } from '/assets/vendor/preact.mjs';
            import { useState } from '/assets/vendor/hooks.mjs';
            const m0 = (() => {
            return { useState, h };
            })();
            const m1 = (() => {
            const { h, useState } = m0;
            const One = () => {
            return h(useState);
            };
            return { One };
            })();
            const m2 = (() => {
            const { One } = m1;
            One();
            return {  };
            })();

            """,
            script);
    }

    [Theory]
    [InlineData("import { two } from './one.js';\n", "export const one = 1;\n")]
    [InlineData("import { one } from './one.js';\n", "import { x } from './main.js';\nexport const one = 1;\n")]
    [InlineData("import { one } from './none.js';\n", "")]
    [InlineData("import * as one from './one.js';\n", "export const one = 1;\n")]
    public void A_module_that_cannot_be_joined_stops_the_start(string main, string one) =>
        Assert.Throws<InvalidOperationException>(() =>
            PageScript.Join(new Dictionary<string, string>(StringComparer.Ordinal) { ["main.js"] = main, ["one.js"] = one }));

    [GeneratedRegex("<style|<script(?![^>]* src=)|style=| on\\w+=|https?:", RegexOptions.IgnoreCase, 1_000)]
    private static partial Regex Inline();

    [GeneratedRegex("(?:src|href)=\"(?<path>[^\"]+)\"", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Reference();
}
