using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Stage;

namespace Sendcat.Attacks.Attacks;

/// <summary>Calls from a foreign page under other spellings of a path, and puts scripts and endless texts into what searches find.</summary>
internal sealed class OriginsAndOutput : Attack
{
    private const string Foreign = "https://evil.example";
    private const int LongestText = 2_048;

    public override byte Number => 13;

    public override string Title => "origin and output checks are slipped past";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        await OriginsAsync(run, cancellationToken);
        await OutputAsync(run, cancellationToken);
    }

    private async Task OriginsAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var page = await run.GuestAsync(Address(0), cancellationToken);
        foreach (var path in new[] { "/api/threads", "/API/threads", "/Api/Threads", "/api//threads", "/%61pi/threads", "/api/threads/", "/api/./threads", "/x/../api/threads", "/API/OPS/knobs", "/api/chat/health", "/API/chat" })
        {
            foreach (var origin in new[] { Foreign, "null", AttackedSystem.Origin + ".evil.example", "http://localhost:3000" })
            {
                var answer = await page.SendAsync(HttpMethod.Get, path, null, cancellationToken, ("Origin", origin));
                run.Check(answer.Status == 403 && answer.Header("Access-Control-Allow-Origin") is null, $"{path} is closed to pages of {origin}", answer);
            }
        }

        var ours = await page.SendAsync(HttpMethod.Get, "/api/threads", null, cancellationToken, ("Origin", AttackedSystem.Origin));
        run.Check(ours.Status == 200, "our own page is served", ours);
    }

    private async Task OutputAsync(AttackRun run, CancellationToken cancellationToken)
    {
        run.System.Upstreams.DirectRest("[[emu at=serper hostile=8]]");
        try
        {
            var reader = await run.GuestAsync(Address(1), cancellationToken);
            foreach (var (tool, arguments) in new[] { ("search_web", """{"query":"hostile pages"}"""), ("search_global", """{"query":"hostile products"}""") })
            {
                var thread = await reader.NewThreadAsync(cancellationToken);
                await reader.SayAsync(thread, $"[[emu tool={tool} args={arguments}]] search", cancellationToken);
                var turn = await reader.ChatAsync(thread, webSearch: true, cancellationToken: cancellationToken);
                run.Check(turn.IsWhole, $"{tool} answers", turn);
                run.Check(turn.Events.Any(IsResult), $"{tool} finds something", string.Join(' ', turn.Events.Take(20)));
                Judge(run, $"the stream of {tool}", string.Join('\n', turn.Events));
                Judge(run, $"the messages of {tool}", (await reader.GetAsync($"/api/threads/{thread}/messages", cancellationToken)).Expected().Text);
            }

            var prompts = run.System.Upstreams.Requests.Where(request => request.Path.EndsWith("/chat/completions", StringComparison.Ordinal)).Select(request => request.Body.ToString());
            run.Check(prompts.All(prompt => !HasScript(prompt)), "no prompt has an address that is a script");
        }
        finally
        {
            run.System.Upstreams.ClearRestDirections();
        }
    }

    private static bool IsResult(System.Text.Json.JsonElement happened) =>
        happened.GetProperty("type").GetString() is "tool-output-available" or "tool-output-partially-available" or "sources" or "tool-result";

    private static void Judge(AttackRun run, string where, string text)
    {
        run.Check(!HasScript(text), $"{where} has no address that is a script");
        run.Check(!text.Contains(new string('s', LongestText), StringComparison.Ordinal) && !text.Contains(new string('t', LongestText), StringComparison.Ordinal), $"{where} has no endless text");
    }

    private static bool HasScript(string text) =>
        text.Contains("javascript:", StringComparison.OrdinalIgnoreCase) || text.Contains("data:text/html", StringComparison.OrdinalIgnoreCase);
}
