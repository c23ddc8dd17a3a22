using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Target;

namespace Sendcat.Attacks.Attacks;

/// <summary>Calls from a foreign origin with other spellings of a path, and puts scripts and very long texts into search results.</summary>
internal sealed class OriginsAndOutput : Attack
{
    private const string ForeignOrigin = "https://evil.example";
    private const int MaxTextLength = 2_048;

    public override byte Number => 13;

    public override string Title => "origin and output checks are evaded";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        await OriginsAsync(run, cancellationToken);
        await OutputAsync(run, cancellationToken);
    }

    private async Task OriginsAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var page = await run.GuestAsync(Address(0), cancellationToken);
        string[] paths =
        [
            "/api/threads", "/API/threads", "/Api/Threads", "/api//threads", "/%61pi/threads", "/api/threads/", "/api/./threads",
            "/x/../api/threads", "/API/OPS/knobs", "/api/chat/health", "/API/chat",
        ];
        foreach (var path in paths)
        {
            foreach (var origin in new[] { ForeignOrigin, "null", AttackedSystem.Origin + ".evil.example", "http://localhost:3000" })
            {
                var response = await page.SendAsync(HttpMethod.Get, path, null, cancellationToken, ("Origin", origin));
                run.Check(
                    response.Status == 403 && response.Header("Access-Control-Allow-Origin") is null, $"{path} refuses the origin {origin}",
                    response);
            }
        }

        var allowed = await page.SendAsync(HttpMethod.Get, "/api/threads", null, cancellationToken, ("Origin", AttackedSystem.Origin));
        run.Check(allowed.Status == 200, "the allowed origin is served", allowed);
    }

    private async Task OutputAsync(AttackRun run, CancellationToken cancellationToken)
    {
        run.System.Upstreams.DirectRest("[[emu at=serper hostile=8]]");
        try
        {
            var reader = await run.GuestAsync(Address(1), cancellationToken);
            (string Tool, string Arguments)[] searches =
                [("search_web", """{"query":"hostile pages"}"""), ("search_global", """{"query":"hostile products"}""")];
            foreach (var (tool, arguments) in searches)
            {
                var thread = await reader.NewThreadAsync(cancellationToken);
                await reader.AddMessageAsync(thread, $"[[emu tool={tool} args={arguments}]] search", cancellationToken);
                var turn = await reader.ChatAsync(thread, webSearch: true, cancellationToken: cancellationToken);
                run.Check(turn.IsComplete, $"the turn with {tool} is complete", turn);
                run.Check(turn.Events.Any(IsResult), $"{tool} has results", string.Join(' ', turn.Events.Take(20)));
                CheckText(run, $"the stream of {tool}", string.Join('\n', turn.Events));
                CheckText(
                    run, $"the messages of {tool}",
                    (await reader.GetAsync($"/api/threads/{thread}/messages", cancellationToken)).EnsureSuccess().Text);
            }

            var prompts = run.System.Upstreams.Requests
                .Where(request => request.Path.EndsWith("/chat/completions", StringComparison.Ordinal))
                .Select(request => request.Body.ToString());
            run.Check(prompts.All(prompt => !HasScript(prompt)), "no prompt contains a script address");
        }
        finally
        {
            run.System.Upstreams.ClearRestDirections();
        }
    }

    private static bool IsResult(System.Text.Json.JsonElement chatEvent) =>
        chatEvent.GetProperty("type").GetString()
            is "tool-output-available" or "tool-output-partially-available" or "sources" or "tool-result";

    private static void CheckText(AttackRun run, string where, string text)
    {
        run.Check(!HasScript(text), $"{where} contains no script address");
        run.Check(
            !text.Contains(new string('s', MaxTextLength), StringComparison.Ordinal)
                && !text.Contains(new string('t', MaxTextLength), StringComparison.Ordinal),
            $"{where} contains no text of {MaxTextLength} characters");
    }

    private static bool HasScript(string text) =>
        text.Contains("javascript:", StringComparison.OrdinalIgnoreCase)
            || text.Contains("data:text/html", StringComparison.OrdinalIgnoreCase);
}
