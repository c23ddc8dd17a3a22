namespace Sendcat.Attacks.Attacks;

/// <summary>Has the operator key and tries to get the provider keys by changing every address to its own server.</summary>
internal sealed class OperatorSecrets : Attack
{
    public override byte Number => 11;

    public override string Title => "the operator key reveals other secrets";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var attacker = run.Operator(Address(0));
        var knobs = (await attacker.GetAsync("/api/ops/knobs", cancellationToken)).EnsureSuccess();
        run.Check(run.System.Secrets.All.All(secret => !knobs.Text.Contains(secret, StringComparison.Ordinal)), "the knobs show no secret");

        var names = knobs.Json["items"]!.AsArray().Select(knob => (string)knob!["name"]!).ToArray();
        var addresses = names.Where(
            name => name.EndsWith("_URL", StringComparison.Ordinal) || name.EndsWith("_DSN", StringComparison.Ordinal)).ToArray();
        run.Check(addresses.Length >= 6, "the knobs include addresses", addresses.Length);
        foreach (var name in addresses.Concat(names.Where(name => name.EndsWith("_KEY", StringComparison.Ordinal))))
        {
            var change = await attacker.SendAsync(
                HttpMethod.Put, $"/api/ops/knobs/{name}", new { value = "https://collector.example" }, cancellationToken);
            run.Check(change is { Status: 400, Code: "invalid_request" }, $"{name} cannot be changed while the system runs", change);
        }

        var viewer = run.From(Address(1)).WithBearer(run.System.Secrets.ViewerKey);
        var read = await viewer.GetAsync("/api/ops/knobs", cancellationToken);
        run.Check(read.Status == 200, "a viewer may read the knobs", read.Status);
        (HttpMethod Method, string Path)[] changes =
        [
            (HttpMethod.Put, "/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT"),
            (HttpMethod.Delete, "/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT"),
            (HttpMethod.Post, "/api/ops/admission/off"), (HttpMethod.Post, "/api/ops/tool-cache/clear"),
        ];
        foreach (var (method, path) in changes)
        {
            var refused = await viewer.SendAsync(method, path, new { value = 9 }, cancellationToken);
            run.Check(refused is { Status: 403, Code: "forbidden" }, $"a viewer may not {method} {path}", refused);
        }
    }
}
