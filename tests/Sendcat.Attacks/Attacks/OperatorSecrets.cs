namespace Sendcat.Attacks.Attacks;

/// <summary>Has the operator key, and wants the provider keys: points every address at itself.</summary>
internal sealed class OperatorSecrets : Attack
{
    public override byte Number => 11;

    public override string Title => "the operator key teaches other secrets";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var insider = run.Operator(Address(0));
        var knobs = (await insider.GetAsync("/api/ops/knobs", cancellationToken)).Expected();
        run.Check(run.System.Secrets.All.All(secret => !knobs.Text.Contains(secret, StringComparison.Ordinal)), "no secret is shown among the knobs");

        var names = knobs.Json["items"]!.AsArray().Select(knob => (string)knob!["name"]!).ToArray();
        var addresses = names.Where(name => name.EndsWith("_URL", StringComparison.Ordinal) || name.EndsWith("_DSN", StringComparison.Ordinal)).ToArray();
        run.Check(addresses.Length >= 6, "addresses are among the knobs", addresses.Length);
        foreach (var name in addresses.Concat(names.Where(name => name.EndsWith("_KEY", StringComparison.Ordinal))))
        {
            var change = await insider.SendAsync(HttpMethod.Put, $"/api/ops/knobs/{name}", new { value = "https://collector.example" }, cancellationToken);
            run.Check(change is { Status: 400, Code: "invalid_request" }, $"{name} cannot be changed while the system runs", change);
        }

        var viewer = run.From(Address(1)).WithBearer(run.System.Secrets.ViewerKey);
        var viewed = await viewer.GetAsync("/api/ops/knobs", cancellationToken);
        run.Check(viewed.Status == 200, "a viewer reads", viewed.Status);
        foreach (var (method, path) in new[] { (HttpMethod.Put, "/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT"), (HttpMethod.Delete, "/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT"), (HttpMethod.Post, "/api/ops/admission/off"), (HttpMethod.Post, "/api/ops/tool-cache/clear") })
        {
            var refused = await viewer.SendAsync(method, path, new { value = 9 }, cancellationToken);
            run.Check(refused is { Status: 403, Code: "forbidden" }, $"a viewer may not {method} {path}", refused);
        }
    }
}
