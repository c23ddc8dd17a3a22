using Sendcat.Attacks.Callers;

namespace Sendcat.Attacks.Attacks;

/// <summary>Looks at what is told beside the answers: headers, documents, outgoing calls, caches.</summary>
internal sealed class Leaks : Attack
{
    public override byte Number => 16;

    public override string Title => "telemetry, headers and documents leak";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guest = await run.GuestAsync(Address(0), cancellationToken);
        var thread = await guest.NewThreadAsync(cancellationToken);
        foreach (var page in new[] { "/api/threads", $"/api/threads/{thread}", $"/api/threads/{thread}/messages", "/api/profile", "/api/favorites", "/api/categories", "/api/auth/me", "/api/chat/health", "/api/nowhere" })
        {
            var answer = await guest.GetAsync(page, cancellationToken);
            run.Check(answer.Header("Cache-Control")?.Contains("no-store", StringComparison.Ordinal) is true, $"{page} is stored nowhere", answer.Header("Cache-Control"));
            run.Check(answer.Header("X-Content-Type-Options") == "nosniff", $"{page} is what it says", answer.Header("X-Content-Type-Options"));
            run.Check(answer.Header("Server") is null && answer.Header("X-Powered-By") is null, $"{page} does not name the server");
        }

        await guest.SayAsync(thread, "[[emu chunks=2 every=0]] hello", cancellationToken);
        using (var stream = await guest.OpenChatAsync(thread, cancellationToken: cancellationToken))
        {
            var cache = stream.Headers.CacheControl?.ToString() ?? "";
            run.Check(cache.Contains("no-store", StringComparison.Ordinal) && cache.Contains("no-transform", StringComparison.Ordinal), "a stream is neither stored nor changed on its way", cache);
            await new EventReader(0).ReadAsync(await stream.Content.ReadAsStreamAsync(cancellationToken), cancellationToken);
        }

        await DocumentsAsync(run, cancellationToken);
        var traced = run.System.Upstreams.Requests.FirstOrDefault(request => request.Headers.Keys.Any(name => name is "sentry-trace" or "baggage"));
        run.Check(traced is null, "no provider gets our trace headers", traced?.Path);
    }

    private async Task DocumentsAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var stranger = run.From(Address(1));
        foreach (var page in new[] { "/openapi/v1.json", "/OpenAPI/v1.json", "/scalar", "/scalar/v1" })
        {
            var hidden = await stranger.GetAsync(page, cancellationToken);
            run.Check(hidden.Status == 404, $"{page} does not exist for strangers", hidden.Status);
        }

        var key = Uri.EscapeDataString(run.System.Secrets.OperatorKey);
        foreach (var name in new[] { "key", "api_key", "access_token", "authorization" })
        {
            var refused = await stranger.GetAsync($"/api/ops/knobs?{name}={key}", cancellationToken);
            run.Check(refused.Status == 401, "a key in an address is no key", refused.Status);
        }

        var viewed = await run.From(Address(2)).WithBearer(run.System.Secrets.ViewerKey).GetAsync("/openapi/v1.json", cancellationToken);
        run.Check(viewed.Status == 200, "who may look sees the document", viewed.Status);
    }
}
