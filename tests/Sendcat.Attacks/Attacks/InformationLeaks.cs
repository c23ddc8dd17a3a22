using Sendcat.Attacks.Callers;

namespace Sendcat.Attacks.Attacks;

/// <summary>Checks for information outside of response bodies: headers, API documents, outgoing calls, caches.</summary>
internal sealed class InformationLeaks : Attack
{
    public override byte Number => 16;

    public override string Title => "telemetry, headers and documents leak information";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guest = await run.GuestAsync(Address(0), cancellationToken);
        var thread = await guest.NewThreadAsync(cancellationToken);
        string[] pages =
        [
            "/api/threads", $"/api/threads/{thread}", $"/api/threads/{thread}/messages", "/api/profile", "/api/favorites",
            "/api/categories", "/api/auth/me", "/api/chat/health", "/api/nowhere",
        ];
        foreach (var page in pages)
        {
            var response = await guest.GetAsync(page, cancellationToken);
            run.Check(
                response.Header("Cache-Control")?.Contains("no-store", StringComparison.Ordinal) is true,
                $"{page} may not be stored by a cache", response.Header("Cache-Control"));
            run.Check(
                response.Header("X-Content-Type-Options") == "nosniff", $"{page} may not be sniffed for another content type",
                response.Header("X-Content-Type-Options"));
            run.Check(response.Header("Server") is null && response.Header("X-Powered-By") is null, $"{page} does not name the server");
        }

        await guest.AddMessageAsync(thread, "[[emu chunks=2 every=0]] hello", cancellationToken);
        using (var stream = await guest.OpenChatAsync(thread, cancellationToken: cancellationToken))
        {
            var cache = stream.Headers.CacheControl?.ToString() ?? "";
            run.Check(
                cache.Contains("no-store", StringComparison.Ordinal) && cache.Contains("no-transform", StringComparison.Ordinal),
                "a stream may neither be stored nor transformed on its way", cache);
            await new EventReader(0).ReadAsync(await stream.Content.ReadAsStreamAsync(cancellationToken), cancellationToken);
        }

        await DocumentsAsync(run, cancellationToken);
        var traced = run.System.Upstreams.Requests.FirstOrDefault(
            request => request.Headers.Keys.Any(name => name is "sentry-trace" or "baggage"));
        run.Check(traced is null, "no provider gets the trace headers of Sendcat", traced?.Path);
    }

    private async Task DocumentsAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var caller = run.From(Address(1));
        foreach (var page in new[] { "/openapi/v1.json", "/OpenAPI/v1.json", "/scalar", "/scalar/v1" })
        {
            var hidden = await caller.GetAsync(page, cancellationToken);
            run.Check(hidden.Status == 404, $"{page} is not found without a key", hidden.Status);
        }

        var key = Uri.EscapeDataString(run.System.Secrets.OperatorKey);
        foreach (var name in new[] { "key", "api_key", "access_token", "authorization" })
        {
            var refused = await caller.GetAsync($"/api/ops/knobs?{name}={key}", cancellationToken);
            run.Check(refused.Status == 401, "a key in the query string is not accepted", refused.Status);
        }

        var document = await run.From(Address(2)).WithBearer(run.System.Secrets.ViewerKey).GetAsync("/openapi/v1.json", cancellationToken);
        run.Check(document.Status == 200, "a viewer may read the document", document.Status);
    }
}
